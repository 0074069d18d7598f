// Tables: what of PostgreSQL's own holds or gives data of tables, statements of others or files. Long on purpose.

/** Columns of pg_catalog that carry data: `*` is all of them. All other columns there are facts of the server. */
const carriers: Readonly<Record<string, readonly string[]>> = {
  pg_statistic: ['*'],
  pg_statistic_ext_data: ['*'],
  pg_largeobject: ['*'],
  pg_stat_activity: ['query', 'application_name'],
  pg_stat_replication: ['application_name'],
  pg_prepared_statements: ['*'],
  pg_cursors: ['*'],
  pg_authid: ['rolpassword'],
  pg_shadow: ['passwd'],
  pg_user: ['passwd', 'useconfig'],
  pg_roles: ['rolconfig'],
  pg_db_role_setting: ['setconfig'],
  pg_settings: ['setting', 'reset_val', 'boot_val'],
  pg_file_settings: ['setting'],
  pg_hba_file_rules: ['*'],
  pg_ident_file_mappings: ['*'],
  pg_subscription: ['subconninfo'],
  pg_stat_wal_receiver: ['conninfo'],
  pg_foreign_server: ['srvoptions'],
  pg_foreign_table: ['ftoptions'],
  pg_foreign_data_wrapper: ['fdwoptions'],
  pg_user_mapping: ['umoptions'],
  pg_user_mappings: ['umoptions'],
  // The value that rows had when a column was added.
  pg_attribute: ['attmissingval', 'attfdwoptions', 'attoptions'],
  // Numbers of advisory locks are chosen by clients.
  pg_locks: ['classid', 'objid', 'objsubid'],
};

/** The other way round: all columns but these carry data. */
const allBut: Readonly<Record<string, readonly string[]>> = {
  pg_stats:
    words(`schemaname tablename attname tableid attnum inherited null_frac avg_width n_distinct correlation
    most_common_freqs most_common_elem_freqs elem_count_histogram`),
  pg_stats_ext:
    words(`schemaname tablename statistics_schemaname statistics_name statistics_owner attnames kinds
    inherited n_distinct dependencies most_common_val_nulls most_common_freqs most_common_base_freqs`),
  pg_stats_ext_exprs:
    words(`schemaname tablename statistics_schemaname statistics_name statistics_owner inherited
    null_frac avg_width n_distinct correlation most_common_freqs most_common_elem_freqs`),
};

function words(text: string): readonly string[] {
  return text.split(/\s+/);
}

const informationSchema: Readonly<Record<string, readonly string[]>> = {
  foreign_server_options: ['option_value'],
  foreign_table_options: ['option_value'],
  foreign_data_wrapper_options: ['option_value'],
  user_mapping_options: ['option_value'],
  column_options: ['option_value'],
  _pg_foreign_servers: ['foreign_server_options'],
  _pg_foreign_tables: ['ftoptions'],
  _pg_foreign_table_columns: ['attfdwoptions'],
  _pg_foreign_data_wrappers: ['fdwoptions'],
  _pg_user_mappings: ['umoptions'],
};

/** Whether this column of PostgreSQL's own relations holds more than facts of the server. */
export function carriesData(schema: string, relation: string, column: string): boolean {
  const plain = schema === 'pg_catalog' ? allBut[relation] : undefined;
  if (plain !== undefined) return !plain.includes(column);
  const found = (schema === 'information_schema' ? informationSchema : carriers)[relation];
  return found !== undefined && (found.includes('*') || found.includes(column));
}

/** Functions of PostgreSQL that give what their arguments do not say: they run SQL, read files, objects or others' statements. */
const opaque: ReadonlySet<string> = new Set([
  ...['query', 'cursor', 'table', 'schema', 'database'].flatMap((what) =>
    ['xml', 'xmlschema', 'xml_and_xmlschema'].map((form) => `${what}_to_${form}`),
  ),
  'ts_stat',
  'ts_rewrite',
  'pg_read_file',
  'pg_read_file_old',
  'pg_read_file_all',
  'pg_read_file_off_len',
  'pg_read_binary_file',
  'pg_read_binary_file_all',
  'pg_read_binary_file_off_len',
  'pg_stat_file',
  'pg_ls_dir',
  'pg_ls_logdir',
  'pg_ls_waldir',
  'pg_ls_archive_statusdir',
  'pg_ls_tmpdir',
  'pg_ls_logicalmapdir',
  'pg_ls_logicalsnapdir',
  'pg_ls_replslotdir',
  'pg_ls_summariesdir',
  'lo_get',
  'loread',
  'lo_import',
  'lo_export',
  'lo_open',
  'lo_from_bytea',
  'pg_stat_get_activity',
  'pg_stat_get_backend_activity',
  'pg_stat_get_wal_receiver',
  'pg_stat_get_backend_client_addr',
  'pg_cursor',
  'pg_prepared_statement',
  'pg_show_all_settings',
  'pg_show_all_file_settings',
  'pg_hba_file_rules',
  'pg_ident_file_mappings',
  'pg_lock_status',
  'pg_logical_slot_get_changes',
  'pg_logical_slot_peek_changes',
  'pg_logical_slot_get_binary_changes',
  'pg_logical_slot_peek_binary_changes',
  'pg_listening_channels',
  'pg_get_wal_summarizer_state',
  'pg_wal_summary_contents',
  'pg_options_to_table',
  'pg_config',
  // Sizes of other rows, TIDs of other tables.
  'currtid2',
]);

export function isOpaque(name: string): boolean {
  return opaque.has(name);
}

/** Extensions whose C functions compute from their arguments alone, whatever volatility they declare. */
export const pureExtensions: ReadonlySet<string> = new Set([
  'btree_gin',
  'btree_gist',
  'citext',
  'cube',
  'earthdistance',
  'fuzzystrmatch',
  'hstore',
  'intarray',
  'isn',
  'ltree',
  'pg_trgm',
  'pgcrypto',
  'seg',
  'unaccent',
  'uuid-ossp',
  'vector',
]);

/** Settings a client can fill with any text: what SHOW gives of them may have been put there from a row. */
const freeText: ReadonlySet<string> = new Set([
  'application_name',
  'temp_tablespaces',
  'local_preload_libraries',
  'session_preload_libraries',
  'dynamic_library_path',
]);

export function holdsFreeText(setting: string): boolean {
  return setting.includes('.') || freeText.has(setting.toLowerCase());
}
