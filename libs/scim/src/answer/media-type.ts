// How JSON is called in an answer: application/scim+json, or application/json for who accepts only that (RFC 7644 section 3.1).

/** Most specific first: the most specific range in a header decides (RFC 9110 section 12.5.1). */
const ofScim = ['application/scim+json', 'application/*', '*/*'];
const ofJson = ['application/json', 'application/*', '*/*'];

/** Weights by media range; parameters other than `q` say nothing about JSON. */
function rangesOf(header: string): Map<string, number> {
  const ranges = new Map<string, number>();
  for (const item of header.split(',')) {
    const [range = '', ...parameters] = item.split(';').map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    if (range !== '') ranges.set(range, weight === undefined ? 1 : Number(weight));
  }
  return ranges;
}

/** The name under which an `Accept` header lets JSON in; undefined if it does not (RFC 7644 section 3.1). */
export function acceptedType(header: string | undefined): 'application/scim+json' | 'application/json' | undefined {
  if (header === undefined || header === '*/*' || header === 'application/scim+json') return 'application/scim+json';
  const ranges = rangesOf(header);
  const accepts = (names: readonly string[]) => {
    const name = names.find((one) => ranges.has(one));
    return name !== undefined && ranges.get(name) !== 0;
  };
  if (ranges.size === 0 || accepts(ofScim)) return 'application/scim+json';
  return accepts(ofJson) ? 'application/json' : undefined;
}
