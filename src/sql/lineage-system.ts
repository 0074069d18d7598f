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
  pg_prepared_xacts: ['gid'],
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

/** PostgreSQL's own relations that carry data of tables or statements in any column. */
export function carriersNamed(): readonly string[] {
  return [...Object.keys(carriers), ...Object.keys(allBut)].filter((each) => !harmlessToCode.has(each));
}

// Of these only facts of the server and names stand in what code would read of them.
const harmlessToCode: ReadonlySet<string> = new Set([
  'pg_attribute',
  'pg_roles',
  'pg_user',
  'pg_settings',
  'pg_locks',
]);

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

/** Functions that only look, and show what clients chose or said. What runs SQL or reads files is in functions.ts. */
const telling: ReadonlySet<string> = new Set([
  'pg_cursor',
  'pg_prepared_statement',
  'pg_prepared_xact',
  'pg_show_all_settings',
  'pg_lock_status',
  'pg_listening_channels',
  'pg_options_to_table',
]);

export function tellsOfOthers(name: string): boolean {
  return telling.has(name);
}

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
