/** Bills of materials of releases, and their components by package, for matching advisories. */
import type { Migration } from './migration.ts';

export const SBOMS: Migration = (words) => `
  CREATE TABLE sbom (
    release_id ${words.integer} PRIMARY KEY REFERENCES release, format TEXT NOT NULL, spec_version TEXT NOT NULL,
    sha256 TEXT NOT NULL, components ${words.integer} NOT NULL, bytes ${words.bytes} NOT NULL,
    created_ms ${words.integer} NOT NULL
  )${words.table};
  CREATE TABLE sbom_component (
    id ${words.id}, release_id ${words.integer} NOT NULL REFERENCES release, package_name TEXT NOT NULL, name TEXT NOT NULL,
    version TEXT
  )${words.table};
  CREATE INDEX sbom_component_by_package ON sbom_component (package_name, release_id);
  CREATE INDEX sbom_component_by_release ON sbom_component (release_id);
`;
