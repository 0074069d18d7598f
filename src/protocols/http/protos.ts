import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor.js';
import type { Check } from '../../base/check.ts';
import { err, ok } from '../../base/result.ts';
import { Secret } from '../../base/secret.ts';
import type { FieldShape, Kind, Shape } from '../../http/protobuf.ts';

/** What the schema of a gRPC service says. */
export interface Protos {
  /** `shop.v1.Orders` and `Get`. */
  readonly method: (service: string, rpc: string) => RpcShape | undefined;
  /** A message type by its full name: what an Any may hold. */
  readonly type: (name: string) => Shape | undefined;
}

export interface RpcShape {
  readonly request: Shape;
  readonly response: Shape;
  readonly clientStreams: boolean;
  readonly serverStreams: boolean;
  /** The schema says that it changes nothing (`idempotency_level = NO_SIDE_EFFECTS`). */
  readonly reads: boolean;
}

const kinds: Readonly<Record<string, Kind>> = {
  string: 'string',
  bytes: 'bytes',
  bool: 'bool',
  int32: 'int',
  int64: 'int',
  uint32: 'int',
  uint64: 'int',
  sint32: 'sint',
  sint64: 'sint',
  fixed32: 'fixed32',
  fixed64: 'fixed64',
  sfixed32: 'sfixed32',
  sfixed64: 'sfixed64',
  float: 'float',
  double: 'double',
};

/**
 * Reads `protos:`, a list of files: texts of .proto, or descriptor sets (`protoc --include_imports --descriptor_set_out`, `buf
 * build -o`). Files of one list may import each other; the well-known types are there already.
 */
export const protosCheck: Check<Protos> = (raw, path) => {
  if (!Array.isArray(raw)) return err([{ path, message: 'Expected a list of { file: PATH }' }]);
  const texts = new protobuf.Root();
  const roots = [texts];
  for (const [index, each] of (raw as readonly unknown[]).entries()) {
    const at = `${path}[${index}]`;
    const text = each instanceof Secret ? each.reveal('the schema of a service') : undefined;
    if (text === undefined) return err([{ path: at, message: 'Expected { file: PATH }' }]);
    const made = add(text, texts);
    if (typeof made === 'string') return err([{ path: at, message: made }]);
    if (made !== undefined) roots.push(made);
  }
  try {
    for (const root of roots) root.resolveAll();
  } catch (thrown) {
    return err([
      { path, message: `A type is missing: ${missing(thrown)}give the files that are imported too` },
    ]);
  }
  return ok(protosOf(roots));
};

const asText =
  /^(?:\s|\/\/[^\n]*\n|\/\*[\s\S]*?\*\/)*(?:syntax|edition|package|import|message|service|option|enum)\b/;

/** Binary files come as base64: see the configuration's `{ file: PATH }`. */
const asBinary = 'base64:';

function add(text: string, texts: protobuf.Root): protobuf.Root | string | undefined {
  if (asText.test(text)) {
    try {
      protobuf.parse(text, texts, { keepCase: true });
      for (const name of importsOf(text)) {
        const known = protobuf.common.get(name);
        if (known?.nested !== undefined) addMissing(texts, known.nested);
      }
      return undefined;
    } catch (thrown) {
      const line = thrown instanceof Error ? /\(line (\d+)\)|, line (\d+)/.exec(thrown.message) : null;
      return `Not a .proto that can be read${line === null ? '' : ` (line ${line[1] ?? line[2]})`}`;
    }
  }
  try {
    const bytes = text.startsWith(asBinary)
      ? Buffer.from(text.slice(asBinary.length), 'base64')
      : Buffer.from(text);
    const set: unknown = descriptor.FileDescriptorSet.decode(bytes);
    return protobuf.Root.fromDescriptor(set as Parameters<typeof protobuf.Root.fromDescriptor>[0], {
      keepCase: true,
    }); // just made
  } catch {
    return 'Neither a .proto nor a descriptor set';
  }
}

function importsOf(text: string): readonly string[] {
  return [...text.matchAll(/^\s*import\s+(?:public\s+|weak\s+)?"([^"]+)"\s*;/gm)].map(
    ([, name = '']) => name,
  );
}

/** A name that the schema says twice is one thing. */
function addMissing(root: protobuf.Root, nested: Readonly<Record<string, protobuf.AnyNestedObject>>): void {
  try {
    root.addJSON(nested);
  } catch {
    // it is there already
  }
}

/** Names of types are no secrets, but whatever else stands in the message may be. */
function missing(thrown: unknown): string {
  const name =
    thrown instanceof Error ? /^no such [\w ]+ '([\w.]{1,200})'/i.exec(thrown.message)?.[1] : undefined;
  return name === undefined ? '' : `${name}; `;
}

function protosOf(roots: readonly protobuf.Root[]): Protos {
  const services = new Map<string, protobuf.Service>();
  const types = new Map<string, protobuf.Type>();
  const walk = (space: protobuf.NamespaceBase): void => {
    for (const each of space.nestedArray) {
      const name = each.fullName.replace(/^\./, '');
      if (each instanceof protobuf.Service && !services.has(name)) services.set(name, each);
      if (each instanceof protobuf.Type && !types.has(name)) types.set(name, each);
      if (each instanceof protobuf.Namespace) walk(each);
    }
  };
  for (const root of roots) walk(root);
  const shapes = new Map<protobuf.Type, Shape>();
  const shapeOf = (type: protobuf.Type): Shape => {
    const known = shapes.get(type) ?? shapeFor(type, shapeOf);
    shapes.set(type, known);
    return known;
  };
  return {
    type: (name) => {
      const type = types.get(name);
      return type === undefined ? undefined : shapeOf(type);
    },
    method: (service, rpc) => {
      const found = services.get(service);
      const method =
        found !== undefined && Object.hasOwn(found.methods, rpc) ? found.methods[rpc] : undefined;
      const { resolvedRequestType: request, resolvedResponseType: response } = method ?? {};
      if (method === undefined || request == null || response == null) return undefined;
      return {
        request: shapeOf(request),
        response: shapeOf(response),
        clientStreams: method.requestStream === true,
        serverStreams: method.responseStream === true,
        reads: isRead(method),
      };
    },
  };
}

function isRead({ options }: protobuf.Method): boolean {
  const level = options?.['idempotency_level'] ?? options?.['idempotencyLevel'];
  return level === 'NO_SIDE_EFFECTS' || level === 1;
}

function shapeFor(type: protobuf.Type, shapeOf: (type: protobuf.Type) => Shape): Shape {
  const fields = new Map<number, FieldShape>();
  for (const field of type.fieldsArray) fields.set(field.id, fieldShape(field, shapeOf));
  return { name: type.fullName.replace(/^\./, ''), field: (number) => fields.get(number) };
}

function fieldShape(field: protobuf.Field, shapeOf: (type: protobuf.Type) => Shape): FieldShape {
  const { name, repeated } = field;
  if (field instanceof protobuf.MapField) {
    const value = valueShape(field, shapeOf);
    const entry: Shape = {
      name: 'map',
      field: (number) =>
        number === 1
          ? { name: 'key', kind: kinds[field.keyType] ?? 'string', repeated: false }
          : number === 2
            ? { name: 'value', repeated: false, ...value }
            : undefined,
    };
    return { name, kind: 'message', repeated: true, map: true, message: () => entry };
  }
  return { name, repeated, ...valueShape(field, shapeOf) };
}

function valueShape(
  { type, resolvedType }: protobuf.FieldBase,
  shapeOf: (type: protobuf.Type) => Shape,
): Pick<FieldShape, 'kind' | 'message'> {
  if (resolvedType instanceof protobuf.Type) return { kind: 'message', message: () => shapeOf(resolvedType) };
  if (resolvedType instanceof protobuf.Enum) return { kind: 'enum' };
  const kind = kinds[type];
  return kind === undefined ? { kind: 'message' } : { kind };
}
