/**
 * A ceremony in words, for those who are about to sign it: what each file changes against the one before, the digest to
 * compare by voice, and who has signed. "Before" is what the file says it came from; `sign` holds that against the workspace.
 */
import {
  type Ceremony,
  encodeCeremonyFile,
  parseRoot,
  parseTargets,
  type RoleName,
  type Root,
  signedDigest,
  type Targets,
  TOP_ROLES,
} from '@pawl/core/trust';

type Keys = { readonly keyIds: readonly string[]; readonly threshold: number };

export type FileDescription = {
  readonly role: RoleName;
  readonly version: number;
  readonly expiresAt: Date;
  readonly digest: string;
  readonly changes: readonly string[];
  readonly signatures: readonly string[];
};

type File = NonNullable<ReturnType<Ceremony['metadata']['get']>>;

function changesOfKeys(role: string, before: Keys | undefined, after: Keys | undefined): string[] {
  if (after === undefined) return [`${role}: may not speak any more`];
  const [old, now] = [before?.keyIds ?? [], after.keyIds];
  return [
    ...now.filter((keyId) => !old.includes(keyId)).map((keyId) => `${role}: key in   ${keyId}`),
    ...old.filter((keyId) => !now.includes(keyId)).map((keyId) => `${role}: key out  ${keyId}`),
    ...(before?.threshold === after.threshold
      ? []
      : [
          `${role}: threshold ${before === undefined ? '' : `${before.threshold} -> `}${after.threshold} of ${now.length}`,
        ]),
  ];
}

function changesOfRoot(before: Root | undefined, after: Root): string[] {
  return TOP_ROLES.flatMap((role) => changesOfKeys(role, before?.roles[role], after.roles[role]));
}

function changesOfTargets(before: Targets | undefined, after: Targets): string[] {
  const [old, now] = [before?.delegations?.roles ?? [], after.delegations?.roles ?? []];
  const names = [...new Set([...old, ...now].map(({ name }) => name))];
  const find = (list: typeof old, wanted: string): Keys | undefined => list.find(({ name }) => name === wanted);
  const sha256Of = (list: Targets | undefined, path: string): string | undefined =>
    list?.targets.get(path)?.digests.get('sha256');
  const paths = [...new Set([...(before?.targets.keys() ?? []), ...after.targets.keys()])];
  return [
    ...names.flatMap((name) => changesOfKeys(name, find(old, name), find(now, name))),
    ...paths
      .filter((path) => sha256Of(before, path) !== sha256Of(after, path))
      .map((path) => `${path}: ${after.targets.has(path) ? `sha256 ${sha256Of(after, path)}` : 'not listed any more'}`),
  ];
}

function describeFile(ceremony: Ceremony, role: RoleName, file: File): FileDescription {
  const before = ceremony.from.get(role);
  const facts = { role, digest: signedDigest(file), signatures: file.signatures.map(({ keyId }) => keyId) };
  if (role === 'root') {
    const after = parseRoot(encodeCeremonyFile(file)).signed;
    const changes = changesOfRoot(before && parseRoot(encodeCeremonyFile(before)).signed, after);
    return { ...facts, version: after.version, expiresAt: after.expiresAt, changes };
  }
  const after = parseTargets(encodeCeremonyFile(file)).signed;
  const changes = changesOfTargets(before && parseTargets(encodeCeremonyFile(before)).signed, after);
  return { ...facts, version: after.version, expiresAt: after.expiresAt, changes };
}

/** @throws TrustError TRUST_METADATA_MALFORMED */
export function describeCeremony(ceremony: Ceremony): FileDescription[] {
  return [...ceremony.metadata].map(([role, file]) => describeFile(ceremony, role, file));
}

/** The description as lines; `nameOf` gives a key id its name where one is known. */
export function linesOf(ceremony: Ceremony, nameOf: (keyId: string) => string): string[] {
  const lines = [`purpose    ${ceremony.purpose}`];
  for (const file of describeCeremony(ceremony)) {
    lines.push('', `${file.role} ${file.version}, valid until ${file.expiresAt.toISOString().slice(0, 10)}`);
    lines.push(`  digest ${file.digest}`, ...file.changes.map((change) => `  ${change}`));
    for (const keyId of file.signatures) {
      const entry = ceremony.record.find((candidate) => candidate.role === file.role && candidate.keyId === keyId);
      const when = entry === undefined ? '' : ` by ${entry.who}, ${entry.at.toISOString()}`;
      lines.push(`  signed under ${nameOf(keyId)}${when}`);
    }
  }
  for (const line of ceremony.lineKeys.keys()) lines.push('', `with a new key list of ${line}`);
  return lines;
}
