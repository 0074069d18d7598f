import type { Access } from '../core/action.ts';
import type { Catalogue, Routine } from './catalogue.ts';
import { as } from './tree.ts';

// A table: what PostgreSQL's own functions do beyond computing from their arguments. Long on purpose.

/** Objects below it came with PostgreSQL (FirstNormalObjectId, access/transam.h). */
export const firstUserOid = 16_384;

export interface Doing {
  readonly access: Access;
  /** What it acts on besides itself. */
  readonly on?: 'sequence' | 'file' | 'lock' | 'channel' | 'large-object' | 'server';
  readonly why?: string;
}

const nothing: Doing = { access: 'read' };

function all(doing: Doing, names: string): readonly (readonly [string, Doing])[] {
  return names
    .trim()
    .split(/\s+/)
    .map((name) => [name, doing] as const);
}

/** By name, for every overload. Whatever is not here: immutable and stable ones compute, volatile ones count as execute. */
const own: ReadonlyMap<string, Doing> = new Map([
  ...all(
    { access: 'execute', why: 'runs SQL that is given as text' },
    `query_to_xml query_to_xmlschema query_to_xml_and_xmlschema cursor_to_xml cursor_to_xmlschema
    table_to_xml table_to_xmlschema table_to_xml_and_xmlschema schema_to_xml schema_to_xmlschema
    schema_to_xml_and_xmlschema database_to_xml database_to_xmlschema database_to_xml_and_xmlschema ts_stat currtid2
    currtid`,
  ),
  ...all(
    { access: 'execute', why: 'converts to a type that is given by name or number' },
    `pg_input_is_valid pg_input_error_info domain_in domain_recv array_in array_recv record_in record_recv range_in
    range_recv multirange_in multirange_recv`,
  ),
  ...all(
    { access: 'execute', why: 'checks or runs code that is given by number' },
    'fmgr_internal_validator fmgr_c_validator fmgr_sql_validator plpgsql_validator plpgsql_inline_handler',
  ),
  ...all(
    { access: 'administer', on: 'file', why: "reads or writes files of the server's machine" },
    `pg_read_file pg_read_file_old pg_read_binary_file pg_stat_file pg_ls_dir pg_ls_logdir pg_ls_waldir
    pg_ls_archive_statusdir pg_ls_tmpdir pg_ls_logicalmapdir pg_ls_logicalsnapdir pg_ls_replslotdir
    pg_ls_summariesdir lo_import lo_export pg_current_logfile pg_hba_file_rules pg_ident_file_mappings
    pg_show_all_file_settings pg_available_wal_summaries pg_wal_summary_contents pg_get_wal_summarizer_state
    pg_config pg_get_loaded_modules`,
  ),
  ...all(
    { access: 'administer', on: 'server', why: 'operates the server' },
    `pg_reload_conf pg_rotate_logfile pg_rotate_logfile_old pg_switch_wal pg_create_restore_point pg_backup_start
    pg_backup_stop pg_start_backup pg_stop_backup pg_promote pg_wal_replay_pause pg_wal_replay_resume
    pg_terminate_backend pg_cancel_backend pg_log_backend_memory_contexts pg_log_standby_snapshot
    pg_copy_logical_replication_slot pg_copy_physical_replication_slot pg_create_logical_replication_slot
    pg_create_physical_replication_slot pg_drop_replication_slot pg_replication_slot_advance
    pg_sync_replication_slots pg_logical_slot_get_changes pg_logical_slot_peek_changes
    pg_logical_slot_get_binary_changes pg_logical_slot_peek_binary_changes pg_logical_emit_message
    pg_replication_origin_advance pg_replication_origin_create pg_replication_origin_drop
    pg_replication_origin_progress pg_replication_origin_session_is_setup
    pg_replication_origin_session_progress pg_replication_origin_session_reset
    pg_replication_origin_session_setup pg_replication_origin_xact_reset pg_replication_origin_xact_setup
    pg_stat_reset pg_stat_reset_backend_stats pg_stat_reset_replication_slot pg_stat_reset_shared
    pg_stat_reset_single_function_counters pg_stat_reset_single_table_counters pg_stat_reset_slru
    pg_stat_reset_subscription_stats pg_clear_attribute_stats pg_clear_relation_stats pg_restore_attribute_stats
    pg_restore_relation_stats pg_import_system_collations pg_extension_config_dump
    pg_stop_making_pinned_objects pg_nextoid brin_desummarize_range brin_summarize_new_values
    brin_summarize_range gin_clean_pending_list
    pg_stat_get_activity pg_stat_get_backend_activity pg_stat_get_wal_receiver pg_stat_get_wal_senders`,
  ),
  ...all({ access: 'write', on: 'sequence' }, 'nextval setval'),
  ...all(
    { access: 'write', on: 'lock' },
    [
      'pg_advisory_lock pg_advisory_lock_shared pg_advisory_unlock pg_advisory_unlock_all pg_advisory_unlock_shared',
      'pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_lock pg_try_advisory_lock_shared',
      'pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared',
    ].join(' '),
  ),
  ...all({ access: 'write', on: 'channel' }, 'pg_notify'),
  ...all(
    { access: 'write', on: 'large-object' },
    `lo_creat lo_create lo_from_bytea lo_put lowrite lo_truncate lo_truncate64 lo_unlink`,
  ),
  ...all(
    {
      access: 'administer',
      on: 'large-object',
      why: 'reads large objects, whose content no column describes',
    },
    `lo_get lo_open loread lo_close lo_lseek lo_lseek64 lo_tell lo_tell64`,
  ),
  ...all(
    { access: 'execute', why: 'keeps a connection busy for as long as it is told' },
    ['pg_sleep pg_sleep_for pg_sleep_until'].join(' '),
  ),
  // Volatile, and only facts of the server, of the session or of chance.
  ...all(
    nothing,
    `random random_normal setseed gen_random_uuid uuidv4 uuidv7 array_sample array_shuffle clock_timestamp timeofday
    currval lastval current_query bernoulli system amvalidate
    pg_database_size pg_indexes_size pg_relation_size pg_table_size pg_tablespace_size pg_total_relation_size
    pg_sequence_last_value pg_get_sequence_data pg_partition_ancestors pg_partition_tree
    pg_is_in_recovery pg_is_wal_replay_paused pg_get_wal_replay_pause_state pg_current_wal_flush_lsn
    pg_current_wal_insert_lsn pg_current_wal_lsn pg_last_wal_receive_lsn pg_last_wal_replay_lsn
    pg_last_xact_replay_timestamp pg_last_committed_xact pg_xact_commit_timestamp pg_xact_commit_timestamp_origin
    pg_xact_status txid_status pg_get_multixact_members pg_export_snapshot pg_backup_start_time pg_is_in_backup
    pg_blocking_pids pg_safe_snapshot_blocking_pids pg_isolation_test_session_is_blocked pg_lock_status
    pg_prepared_xact pg_notification_queue_usage pg_jit_available pg_collation_actual_version
    pg_database_collation_actual_version pg_control_checkpoint pg_control_init pg_control_recovery
    pg_control_system pg_get_aios pg_get_backend_memory_contexts pg_get_shmem_allocations
    pg_get_shmem_allocations_numa pg_get_wait_events pg_get_wal_resource_managers pg_show_replication_origin_status
    pg_stat_clear_snapshot pg_stat_force_next_flush pg_stat_get_backend_io pg_stat_get_backend_wal pg_stat_get_io
    pg_stat_get_recovery_prefetch pg_stat_have_stats pg_stat_get_xact_blocks_fetched pg_stat_get_xact_blocks_hit
    pg_stat_get_xact_function_calls pg_stat_get_xact_function_self_time pg_stat_get_xact_function_total_time
    pg_stat_get_xact_numscans pg_stat_get_xact_tuples_deleted pg_stat_get_xact_tuples_fetched
    pg_stat_get_xact_tuples_hot_updated pg_stat_get_xact_tuples_inserted pg_stat_get_xact_tuples_newpage_updated
    pg_stat_get_xact_tuples_returned pg_stat_get_xact_tuples_updated`,
  ),
]);

/**
 * SECURITY: the server leaves a parameter whose type is void out of a call (ParseFuncOrColumn in parse_func.c; drivers
 * send one in the place of a result), so that another function of that name is meant. A parameter can get that type in
 * Parse, in PREPARE, by a cast or by where else it stands: any may be such a one. Gives how many.
 */
export function voidsIn(args: readonly unknown[]): number {
  return args.filter((each) => {
    let at = each;
    for (let cast = as(at, 'TypeCast'); cast !== undefined; cast = as(at, 'TypeCast')) at = cast['arg'];
    return as(at, 'ParamRef') !== undefined;
  }).length;
}

export function isOwn(routine: Routine): boolean {
  return (
    (routine.schema === 'pg_catalog' || routine.schema === 'information_schema') && routine.oid < firstUserOid
  );
}

/** Extensions whose functions compute from their arguments alone, whatever they call themselves. */
const computing: ReadonlySet<string> = new Set(
  `btree_gin btree_gist citext cube earthdistance fuzzystrmatch hstore intarray isn ltree pg_trgm pgcrypto seg
  unaccent uuid-ossp vector`.split(/\s+/),
);

/** What calling this can do. */
export function doingOf(routine: Routine, catalogue: Catalogue): Doing {
  if (isOwn(routine)) return ownDoing(routine);
  if (computes(routine)) return nothing;
  if (routine.kind === 'aggregate' && routine.calls.length > 0) {
    const parts = routine.calls.map((oid) => catalogue.routineByOid(oid));
    if (
      parts.every((part) => part !== undefined && part.kind !== 'aggregate' && isHarmless(part, catalogue))
    ) {
      return nothing;
    }
  }
  return { access: 'execute', why: 'runs code of its own' };
}

export function isHarmless(routine: Routine, catalogue: Catalogue): boolean {
  return doingOf(routine, catalogue).access === 'read';
}

/** Whether this function of PostgreSQL's keeps something of its arguments that can be read later without them. */
export function remembers(routine: Routine): boolean {
  return isOwn(routine) && (routine.name === 'setseed' || ownDoing(routine).access !== 'read');
}

function ownDoing(routine: Routine): Doing {
  const row = own.get(routine.name);
  if (row !== undefined) return row;
  if (routine.kind === 'aggregate' || routine.kind === 'window') return nothing;
  // set_config() depends on its arguments: see calls.ts.
  if (routine.volatility !== 'volatile') return nothing;
  return { access: 'execute', why: 'can do anything' };
}

function computes(routine: Routine): boolean {
  const { extension, language, volatility } = routine;
  if (extension === undefined || routine.securityDefiner) return false;
  if (language === 'c' || language === 'internal')
    return volatility === 'immutable' || computing.has(extension);
  return language === 'sql' && volatility === 'immutable' && computing.has(extension);
}
