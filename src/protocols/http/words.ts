import type { AttributeType } from '../../core/protocol.ts';

export const verbs: Readonly<Record<string, string>> = {
  'http.request': 'A request to a web service',
  'http.graphql': 'A GraphQL operation',
  'http.upgrade': 'A request to open a WebSocket',
  'http.grpc': 'A call of a method of gRPC',
  'http.message': 'A message on a WebSocket, from the client or from the resource',
};

export const attributes: Readonly<Record<string, AttributeType>> = {
  method: 'string',
  route: 'string', // the template that fits, or one made from the path
  operationId: 'string', // of the operation in the service's OpenAPI document
  documented: 'boolean', // whether that document knows the request
  host: 'string',
  query: 'strings', // names of the query's parameters
  contentType: 'string', // of the request's body
  inspected: 'boolean', // false where nothing can look into the body, or into a part of it
  // Absent where nothing can look into the body and `uninspected` does not name its type: a rule that reads one of them cannot be evaluated
  // then, and denies.
  fields: 'strings', // JSON paths, or names of a form's fields, of the request's body; of a part behind its name
  files: 'strings', // names of a form's fields that are files
  parts: 'strings', // media types of the parts of the request's body
  bytes: 'number', // of the request's body; -1 where it is not known before it is sent
  operation: 'string', // GraphQL: query, mutation, subscription
  from: 'string', // of a message: client, resource
  binary: 'boolean', // of a message
  selects: 'strings', // GraphQL: names of the root fields
  service: 'string', // gRPC: shop.v1.Orders
  rpc: 'string', // gRPC: the method
};
