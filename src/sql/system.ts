import type { Access } from '../core/action.ts';

// A table: PostgreSQL's own relations that hold more than the structure of the database.

/** Passwords, connection strings, files of the server, and the values that statistics keep of users' columns. */
const guarded: Readonly<Record<string, ReadonlySet<string>>> = {
  pg_catalog: new Set([
    'pg_authid',
    'pg_shadow',
    'pg_user_mapping',
    'pg_user_mappings',
    'pg_subscription',
    'pg_largeobject',
    'pg_statistic',
    'pg_statistic_ext_data',
    'pg_stats',
    'pg_stats_ext',
    'pg_stats_ext_exprs',
    'pg_file_settings',
    'pg_hba_file_rules',
    'pg_ident_file_mappings',
    'pg_stat_wal_receiver',
    'pg_replication_origin_status',
    'pg_backend_memory_contexts',
    'pg_shmem_allocations',
  ]),
  information_schema: new Set(['user_mapping_options', '_pg_user_mappings']),
};

/** Schemas that hold PostgreSQL's own things. */
export function isSystemSchema(schema: string): boolean {
  return schema === 'pg_catalog' || schema === 'information_schema' || schema.startsWith('pg_toast');
}

/** What reading one of PostgreSQL's own relations means. */
export function systemRead(schema: string, relation: string): Access {
  // A toast table is the long values of another table, as they are.
  if (schema.startsWith('pg_toast')) return 'administer';
  return guarded[schema]?.has(relation) === true ? 'administer' : 'read';
}
