/** The catalogues that come with the product, read once, when they are first needed. */
import { type CatalogueLibrary, loadCatalogues } from '@pawl/compliance/catalogue';

let library: CatalogueLibrary | undefined;

export function catalogues(): CatalogueLibrary {
  library ??= loadCatalogues();
  return library;
}
