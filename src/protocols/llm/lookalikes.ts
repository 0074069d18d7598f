import { isObject } from '../../base/check.ts';

/** Keys by which a request is judged, masked or counted. */
const known: ReadonlySet<string> = new Set(
  `model models messages message prompt input stream tools tool functions function custom name type role content text system instructions
   container conversation background store previous_response_id metadata extra_body stream_options web_search_options mcp_servers
   file_id file_ids file_data file_url vector_store_id vector_store_ids image_url images input_audio audio_url video_url prompt_embeds
   tool_calls function_call arguments response_format max_tokens max_completion_tokens max_output_tokens max_tokens_to_sample n best_of
   parameters input_schema fallbacks fallback_models plugins route preset api_base base_url api_key extra_headers cached_content
   chat_template lora_path lora_request user_config model_list litellm_params id namespace thinking signature`
    .split(/\s+/)
    .filter((name) => name !== ''),
);

/** What stands under these has keys of somebody's own. */
const own: ReadonlySet<string> = new Set([
  'parameters',
  'input_schema',
  'schema',
  'json_schema',
  'properties',
  'metadata',
  'arguments',
  'attributes',
  'logit_bias',
  'variables',
  'chat_template_kwargs',
]);

/**
 * SECURITY: programs in Go, of which Ollama is one, take `Model` for `model`, and the last of both. The first key that is
 * another only for who knows case.
 */
export function lookalikeIn(value: unknown): string | undefined {
  if (Array.isArray(value)) return firstOf(value);
  if (!isObject(value)) return undefined;
  for (const [key, each] of Object.entries(value)) {
    const plain = key.toLowerCase().replaceAll('\u017f', 's');
    if (plain !== key && known.has(plain)) return plain;
    const isOwn = own.has(key) || (key === 'input' && isObject(each));
    const found = isOwn ? undefined : lookalikeIn(each);
    if (found !== undefined) return found;
  }
  return undefined;
}

function firstOf(values: readonly unknown[]): string | undefined {
  for (const each of values) {
    const found = lookalikeIn(each);
    if (found !== undefined) return found;
  }
  return undefined;
}
