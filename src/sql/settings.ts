import type { Access } from '../core/action.ts';

// A table: what setting a parameter of a session can do.

/** Parameters that change how a session plans, waits or prints, and nothing about who it is or what its text means. */
const harmless: ReadonlySet<string> = new Set(
  `application_name array_nulls bytea_output check_function_bodies client_connection_check_interval
  client_min_messages commit_siblings constraint_exclusion cpu_index_tuple_cost cpu_operator_cost cpu_tuple_cost
  cursor_tuple_fraction datestyle debug_parallel_query debug_pretty_print default_statistics_target
  default_table_access_method default_tablespace default_text_search_config default_toast_compression
  default_transaction_deferrable default_transaction_isolation default_transaction_read_only default_with_oids
  effective_cache_size effective_io_concurrency enable_async_append enable_bitmapscan enable_distinct_reordering
  enable_gathermerge enable_group_by_reordering enable_hashagg enable_hashjoin enable_incremental_sort
  enable_indexonlyscan enable_indexscan enable_material enable_memoize enable_mergejoin enable_nestloop
  enable_parallel_append enable_parallel_hash enable_partition_pruning enable_partitionwise_aggregate
  enable_partitionwise_join enable_presorted_aggregate enable_self_join_elimination enable_seqscan enable_sort
  enable_tidscan escape_string_warning extra_float_digits force_parallel_mode from_collapse_limit geqo geqo_effort
  geqo_generations geqo_pool_size geqo_seed geqo_selection_bias geqo_threshold gin_fuzzy_search_limit
  gin_pending_list_limit hash_mem_multiplier idle_in_transaction_session_timeout idle_session_timeout
  intervalstyle io_combine_limit jit jit_above_cost jit_expressions jit_inline_above_cost jit_optimize_above_cost
  jit_tuple_deforming join_collapse_limit lc_monetary lc_numeric lc_time lock_timeout logical_decoding_work_mem
  maintenance_io_concurrency maintenance_work_mem max_parallel_maintenance_workers max_parallel_workers
  max_parallel_workers_per_gather min_parallel_index_scan_size min_parallel_table_scan_size
  parallel_leader_participation parallel_setup_cost parallel_tuple_cost plan_cache_mode quote_all_identifiers
  random_page_cost recursive_worktable_factor restrict_nonsystem_relation_kind search_path seq_page_cost
  statement_timeout stats_fetch_consistency synchronize_seqscans synchronous_commit tcp_keepalives_count
  tcp_keepalives_idle tcp_keepalives_interval tcp_user_timeout temp_buffers timezone transaction_deferrable
  transaction_isolation transaction_read_only transaction_timeout vacuum_buffer_usage_limit vacuum_cost_delay
  vacuum_cost_limit wal_skip_threshold work_mem xmlbinary xmloption`.split(/\s+/),
);

/** What a client says to the gateway of its own requests; the server only keeps them. */
const stated = /^sallyport\.(?:wait|reason|ticket|break_glass)$/;

/**
 * What setting this parameter means. `value` is absent for DEFAULT, RESET and for what is not a constant.
 * SECURITY: the first three decide how the server reads text; with other values it and our parser would read different statements.
 */
export function settingAccess(name: string, value: string | undefined): Access {
  const setting = name.toLowerCase();
  switch (setting) {
    case 'standard_conforming_strings':
      return value !== undefined && /^(?:on|true|tru|tr|t|yes|ye|y|1)$/i.test(value) ? 'read' : 'unknown';
    case 'client_encoding':
      return value !== undefined && encodings.has(value.toLowerCase().replaceAll(/[^a-z0-9]/g, ''))
        ? 'read'
        : 'unknown';
    case 'backslash_quote':
      return 'unknown';
    default:
      return harmless.has(setting) || stated.test(setting) ? 'read' : 'administer';
  }
}

/** Whether it can be nothing but on or off, so that whatever it is set to makes no text. */
export function isSwitch(setting: string): boolean {
  return /^(?:jit|enable_[a-z_]+)$/.test(setting) && harmless.has(setting);
}

// As pg_char_to_encoding() cleans names. In others a byte 0x5C or 0x27 can be part of a character.
const encodings: ReadonlySet<string> = new Set(['utf8', 'unicode', 'sqlascii']);

/** Whether names may be resolved otherwise from here on. */
export function movesNames(setting: string): boolean {
  const name = setting.toLowerCase();
  // Another role: "$user" in the path and the rights to see a schema are its own.
  return name === 'search_path' || name === 'role' || name === 'session_authorization';
}
