// How texts are compared where a schema says that case does not matter.

const ascii = /^[\0-\x7f]*$/;

/** NFKC, without regard to case: one folding for filters, orders, indexes and uniqueness. */
export const foldCase = (text: string): string =>
  ascii.test(text) ? text.toLowerCase() : text.normalize('NFKC').toLowerCase().normalize('NFKC');
