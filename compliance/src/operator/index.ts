/** What operators of the supply chain, buyers and authorities see of a product, and what the law asks them to look at. */
export { type OperatorModel, type OperatorRow, operatorModels } from './view.ts';
