import type { ResponseConfig } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { PROBLEM_CONTENT_TYPE, PROBLEMS, type ProblemCode } from './problem.js';
import {
  alreadyIssuedProblemSchema,
  faultsProblemSchema,
  notOpenProblemSchema,
  problemSchema,
} from './schemas.js';

type Responses = Record<string, ResponseConfig>;

export const json = (description: string, schema: z.ZodType, headers?: z.ZodObject): ResponseConfig => ({
  description,
  content: { 'application/json': { schema } },
  ...(headers ? { headers } : {}),
});

/** Problems whose body has more members than the five that all share. */
const SCHEMA_OF: Partial<Record<ProblemCode, z.ZodType>> = {
  'already-issued': alreadyIssuedProblemSchema,
  'not-open': notOpenProblemSchema,
  'invalid-request': faultsProblemSchema,
};

const retryAfter = z.object({ 'Retry-After': z.string().meta({ description: 'Seconds' }) });

/** One response a status; codes that share a status are listed in its description. */
export function problems(...codes: ProblemCode[]): Responses {
  const responses: Responses = {};
  for (const code of codes) {
    const [status, title] = PROBLEMS[code];
    const line = `\`${code}\`: ${title}.`;
    const others = responses[status]?.description;
    responses[status] = {
      description: others ? `${others} ${line}` : line,
      content: { [PROBLEM_CONTENT_TYPE]: { schema: SCHEMA_OF[code] ?? problemSchema } },
      ...([403, 429, 503].includes(status) ? { headers: retryAfter } : {}),
    };
  }
  return responses;
}
