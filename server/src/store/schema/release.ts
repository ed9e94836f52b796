/** Tables of product lines, releases, artifacts and trusted metadata. */
import type { Urgency } from '@pawl/contract/management';
import type { Generated, Selectable } from 'kysely';

export type ReleaseSchema = {
  line: { tenant_id: number; name: string; certificates: string };
  release: {
    id: Generated<number>;
    tenant_id: number;
    line: string;
    version: string;
    kind: 'pawl' | 'foreign';
    state: 'draft' | 'published';
    sequence_number: string | null;
    security_counter: string | null;
    statement: Uint8Array | null;
    created_ms: number;
    published_ms: number | null;
    urgency: Generated<Urgency>;
    /** JSON: notice, references, justification. */
    advice: Generated<string>;
    /** SHA-256 of the image that the signed manifest installs, hex; null for foreign releases, and where it was not kept yet. */
    image_sha256: Generated<string | null>;
    /** When it was made, or an upload for it last began or ended. */
    changed_ms: Generated<number>;
  };
  artifact: {
    release_id: number;
    name: string;
    size_bytes: number;
    sha256: string;
    sha1: string | null;
    md5: string | null;
    uploaded_ms: number | null;
  };
  /** Objects that nobody needs, on their way out: see doomed-objects.ts. */
  doomed_object: { sha256: string; state: 'marked' | 'deleting'; since_ms: number };
  trust_file: { tenant_id: number; name: string; role: string; version: number; is_current: number; bytes: Uint8Array };
};

export type ReleaseTable = Selectable<ReleaseSchema['release']>;
export type ArtifactTable = Selectable<ReleaseSchema['artifact']>;
