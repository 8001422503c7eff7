// How what is kept of requests is shown to operators: composed only now that somebody reads it.
import type { Exchange } from '@app/http';
import { quirkSentences, type QuirkName } from '@app/scim';
import type { ExchangeAnswer, QuirkAnswer } from './connections.dto.js';

export function answerOfExchange(exchange: Exchange): ExchangeAnswer {
  const { at, method, route, resourceId, status, scimType, durationMs, quirks = {}, requestId } = exchange;
  return {
    at: new Date(at).toISOString(),
    method,
    ...(route === undefined ? {} : { route }),
    ...(resourceId === undefined ? {} : { resourceId }),
    status,
    ...(scimType === undefined ? {} : { scimType }),
    durationMs,
    quirks: Object.keys(quirks),
    requestId,
  };
}

export const answerOfQuirks = (counts: Readonly<Record<string, number>>): QuirkAnswer[] =>
  Object.entries(counts)
    .map(([name, count]) => ({ name, sentence: quirkSentences[name as QuirkName], count }))
    .sort((a, b) => b.count - a.count);
