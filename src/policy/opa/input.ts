import type { Identity } from '../../core/identity.ts';
import type { Question } from '../../core/ports.ts';

/** The document that OPA is given as `input`, as JSON. docs/opa.md says what stands in it; keys are only ever added. */
export function inputOf({ action, resource, session }: Question, identity: Identity): string {
  return JSON.stringify({
    identity: identityOf(identity),
    resource: {
      name: resource.name,
      kind: resource.kind,
      tags: resource.tags,
      env: resource.tags.find((tag) => tag.startsWith('env/'))?.slice('env/'.length),
    },
    action: {
      verb: action.verb,
      access: action.access,
      targets: action.targets.map(({ kind, name, access }) => ({ kind, name, access })),
      columns: action.columns.map(({ object, column, use, tags }) => ({ object, column, use, tags })),
      attributes: action.attributes,
      opaque: action.opaque === true,
    },
    session: { id: session.id, startedAt: session.startedAt, run: session.run },
  });
}

function identityOf({ kind, subject, groups, attributes, actingFor }: Identity): unknown {
  return {
    kind,
    subject,
    groups,
    attributes,
    actingFor: actingFor === undefined ? undefined : identityOf(actingFor),
  };
}
