import { parseArgs } from 'node:util';
import type { ProposedTag } from '../server/proposals.ts';
import { yamlKey } from '../server/starter.ts';
import { ask } from './api.ts';
import { CouldNotRun, print, safe, say, type Command } from './command.ts';

const help = `Usage: sallyport tags proposed [--resource NAME] [--json]

Says in which columns without a tag detectors found something since the gateway started, as lines to paste under \`tags:\` in
schema.yaml: no value is kept or shown, only how often which type was found. Columns of which only some values hold anything are
comments: a tag would hide all of them. Columns that nobody has read yet are not known; \`sallyport init\` looks at samples.
Exit code: 0 nothing to propose, 1 proposals, 2 could not run.

SALLYPORT_API (default http://127.0.0.1:8420) is the gateway, SALLYPORT_TOKEN your token.
`;

export const tags: Command = { help, run };

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, resource: { type: 'string' } },
  });
  if (positionals.length !== 1 || positionals[0] !== 'proposed') {
    throw new CouldNotRun('Expected `tags proposed`; see --help');
  }
  const asked = await ask('/api/v1/tags/proposed');
  if (!asked.ok) {
    say(asked.refusal);
    return 1;
  }
  const all = asked.answer as readonly ProposedTag[]; // the API's own schema
  const proposed = all.filter(
    ({ resource }) => values.resource === undefined || resource === values.resource,
  );
  print(values.json ? JSON.stringify(proposed, undefined, 2) : safe(proposalsText(proposed)));
  return proposed.length === 0 ? 0 : 1;
}

function proposalsText(proposed: readonly ProposedTag[]): string {
  if (proposed.length === 0)
    return 'Detectors found nothing in columns without a tag since the gateway started\n';
  const resources = [...new Set(proposed.map(({ resource }) => resource))];
  const lines = resources.flatMap((resource) => [
    `  ${yamlKey(resource)}:`,
    ...proposed
      .filter((each) => each.resource === resource)
      .map(({ column, tag, type, found, searched }) => {
        const why = `${type} in ${found} of ${searched} values`;
        return tag === undefined
          ? `    # ${yamlKey(column)}: ${why}; rules with \`find\` mask them`
          : `    ${yamlKey(column)}: ${tag} # ${why}`;
      }),
  ]);
  return `tags:\n${lines.join('\n')}\n`;
}
