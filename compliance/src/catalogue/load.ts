/** Reads the catalogues that come with the product, or those of a folder in their place. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseCatalogue } from './catalogue.ts';
import { CatalogueLibrary, parseCrosswalk } from './library.ts';

const OWN = fileURLToPath(new URL('../../', import.meta.url));

/**
 * The catalogues of `folder` (default: the product's own) with the product's crosswalk.
 * @throws CatalogueError CATALOGUE_INVALID, CATALOGUE_REFERENCE_UNKNOWN
 */
export function loadCatalogues(folder: string = `${OWN}catalogues`): CatalogueLibrary {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .toSorted();
  const catalogues = names.map((name) => parseCatalogue(readFileSync(`${folder}/${name}`, 'utf8'), name));
  const crosswalk = `${OWN}data/crosswalk.json`;
  return new CatalogueLibrary(catalogues, parseCrosswalk(readFileSync(crosswalk, 'utf8'), 'crosswalk.json'));
}
