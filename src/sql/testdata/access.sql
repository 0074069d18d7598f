-- sql.select | read | public.customers:read | key
select id, name from customers where id = 1
-- sql.select | read | public.customers:read + public.orders:read | other
select * from customers c join orders o on o.customer_id = c.id where c.city like 'x%' order by 1 limit 5
-- sql.select | read
with customers as (select 1) select * from customers
-- sql.delete | execute | public.orders:write + public.payments:write + function app.log_payment():execute + public.receipts:write + public.orders:read | key
with x as (delete from orders where id=1 returning *) select * from x
-- sql.update | write | public.orders:write | key
update orders set status = 'x' where id = $1
-- sql.update | execute | public.customers:write + public.profiles:write + function app.check_handle(text):execute | key
update customers set id = 5 where id = 4
-- sql.delete | execute | public.orders:write + public.payments:write + function app.log_payment():execute + public.receipts:write
delete from orders
-- sql.delete | execute | public.customers:write + public.profiles:write + function app.check_handle(text):execute | key
delete from customers where id = 3 and name = 'x'
-- sql.insert | write | public.payments:write
insert into payments(order_id) values (1)
-- sql.insert | write | public.orders:write + public.orders:read
insert into orders(id) values (1) on conflict (id) do update set status='x'
-- sql.merge | execute | public.customers:read + public.customers:write + public.profiles:write + function app.check_handle(text):execute + public.orders:read | other
merge into customers c using orders o on c.id=o.id when matched then delete
-- sql.select | read | public.customer_first:read + public.customer_names:read + public.customers:read
select * from customer_first
-- sql.update | execute | public.customer_first:write + public.customer_names:read + public.customers:read + public.customer_names:write + public.customers:write + public.profiles:write + function app.check_handle(text):execute | other
update customer_first set name='x' where id=1
-- sql.select | execute | public.loud:read + public.customers:read + function app.shout(text):execute
select * from loud
-- sql.select | read | public.city_counts:read + public.customers:read
select * from city_counts
-- sql.select | read | public.loud_copy:read + public.customers:read
select * from loud_copy
-- sql.alter | execute | public.loud_copy:read + public.customers:read + public.loud_copy:define + function app.shout(text):execute | effect=schema
refresh materialized view loud_copy
-- sql.truncate | write | public.orders:write + public.payments:write + public.receipts:write
truncate orders cascade
-- sql.truncate | write | public.orders:write
truncate orders
-- sql.explain | read | public.orders:read | explain
explain delete from orders
-- sql.delete | execute | public.triggered:write + function app.innocent():execute | explain
explain (analyze 1) delete from triggered
-- sql.select | read |  | explain
explain analyze select 1
-- sql.select | execute | function app.shout(text):execute
select app.shout('x')
-- sql.select | execute | function app.eq(integer, integer):execute
select 1 operator(app.===) 2
-- sql.select | execute | public.customers:read + function public.full_name(public.customers):execute
select c.full_name from customers c
-- sql.select | read | public.customers:read
select c.name from customers c
-- sql.select | execute | public.customers:read + function public.full_name(public.customers):execute
select (c).full_name from customers c
-- sql.select | execute | public.customers:read + function public.full_name(public.customers):execute
select full_name(c) from customers c
-- sql.select | execute | public.customers:read + function public.name(public.customers):execute
select name(c) from customers c
-- sql.select | execute | function app.check_handle(text):execute
select 'x'::app.handle
-- sql.select | execute | function app.check_handle(text):execute
select app.handle('x')
-- sql.select | execute | function public.lower(integer):execute
select length('x'), lower('x'), upper('x')
-- sql.select | write | function pg_catalog.nextval(regclass):write + sequence public.orders_id_seq:write
select nextval('orders_id_seq')
-- sql.select | read | setting search_path:read | effect=search-path
select set_config('search_path','x',false)
-- sql.select | unknown | setting standard_conforming_strings:unknown
select set_config('standard_conforming_strings','off',false)
-- sql.set | unknown | setting standard_conforming_strings:unknown
set standard_conforming_strings = off
-- sql.set | read | setting standard_conforming_strings:read
set standard_conforming_strings = on
-- sql.set | unknown | setting client_encoding:unknown
set client_encoding = 'SJIS'
-- sql.set | read | setting client_encoding:read
set names 'UTF8'
-- sql.set | administer | setting role:administer | effect=search-path
set role x
-- sql.set | read |  | effect=search-path
reset all
-- sql.set | read | setting search_path:read | effect=search-path
set search_path = app, public
-- sql.copy | read | public.customers:read | copy-out effect=copy-out
copy customers to stdout
-- sql.copy | administer | file *:administer + public.customers:read | copy-out
copy customers to '/tmp/x'
-- sql.delete | execute | public.orders:write + public.payments:write + function app.log_payment():execute + public.receipts:write + public.orders:read | copy-out effect=copy-out
copy (delete from orders returning *) to stdout with csv header
-- sql.copy | write | public.orders:write | copy-in effect=copy-in
copy orders from stdin
-- sql.copy | administer | program *:administer + public.orders:write | copy-in
copy orders from program 'x'
-- sql.do | execute | code do:execute
do $$ begin end $$
-- sql.call | execute | function app.purge():execute
call app.purge()
-- sql.delete | execute | public.orders:write + public.payments:write + function app.log_payment():execute + public.receipts:write | key effect=prepare
prepare p as delete from orders where id = $1
-- sql.select | execute | function app.innocent():execute | effect=execute
execute p(app.innocent())
-- sql.select | read | public.customers:read | effect=declare
declare c cursor for select * from customers
-- sql.select | read |  | effect=fetch
fetch all from c
-- sql.create | execute | public.x:define + public.customers:read + function app.check_handle(text):execute + function app.innocent():execute | effect=schema
create table x(id serial primary key, c int references customers, h app.handle default app.innocent())
-- sql.create | define | pg_temp.x:define + public.customers:read | temporary effect=schema
create temp table x as select * from customers
-- sql.create | define | public.x:define | effect=execute
create table x as execute p(1)
-- sql.create | define | public.x:define + public.customers:read | effect=schema
select * into x from customers
-- sql.drop | define | public.orders:define + object *:define | effect=schema
drop table orders cascade
-- sql.alter | execute | public.audit:define + public.audit:write + function app.innocent():execute | effect=schema
alter table audit alter note type text using (app.innocent()::text)
-- sql.grant | administer | public.customers:administer | effect=schema
grant select on customers to x
-- sql.select | administer | pg_catalog.pg_authid:administer
select * from pg_authid
-- sql.select | execute | function pg_catalog.query_to_xml(text, boolean, boolean, text):execute
select query_to_xml('x',true,true,'')
-- sql.select | administer | function pg_catalog.pg_read_file(text):administer + file *:administer
select pg_read_file('/etc/passwd')
-- sql.select | execute | function public.dblink(text, text):execute
select * from dblink('x','y') as t(a int)
-- sql.select | execute | function pg_catalog.pg_sleep(double precision):execute
select pg_sleep(1)
-- sql.select | write | public.customers:read + public.customers:write | locks
select * from customers for update
-- sql.select | read | public.events:read + public.events_2024:read + public.events_2025:read
select * from events
-- sql.select | read | public.events_2024:read + public.events:read
select * from events_2024
-- sql.insert | write | public.events:write + public.events_2024:write + public.events_2025:write
insert into events values (1)
-- sql.select | read | public.ruled:read
select * from ruled
-- sql.update | unknown | public.ruled:write + statement *:unknown
update ruled set note='x'
-- sql.select | unknown | nosuch:unknown
select * from nosuch
-- sql.select | unknown | function nosuch:unknown
select nosuch(1)
-- sql.select | execute | app.secrets:read + function app.allowed(text):execute
select * from app.secrets
-- sql.select | execute | public.orders:read + function app.sample(integer):execute
select 1 from orders tablesample app.sample(1)
-- sql.lock | read | public.customers:read | locks
lock table customers in access share mode
-- sql.lock | write | public.customers:read + public.customers:write | locks
lock table customers
-- sql.notify | write | channel x:write
notify x, 'y'
-- sql.select | read
select $1::int + 1, 'a' || 'b', x between 1 and 2 from (values (1)) v(x)
-- sql.create | unknown | schema s:define + s.t:define + s.v:define + t:unknown | effect=schema
create schema s create table t(id int) create view v as select * from t
-- sql.create | define | function public.f:define | effect=schema
create function f() returns int language sql as 'delete from customers'
-- sql.maintain | administer | public.customers:administer
vacuum customers
-- sql.select | read | public.customers:read
select row_number() over (partition by city order by id) , count(*) filter (where id>1) from customers
-- sql.select | read
select json_value('{}','$.a')
-- sql.select | read | public.profiles:read
select * from profiles
-- sql.create | define | public.self:define + self:read | effect=schema
create table self(id int primary key, parent int references self)
-- sql.create | define | public.ex:define | effect=schema
create table ex(r int4range, exclude using gist (r with &&))
-- sql.select | read | information_schema.tables:read
select * from information_schema.tables
-- sql.select | read
select 1 group by grouping sets ((1),())
-- sql.select | execute | function app.shout(text):execute
select * from xmltable('/a' passing '<a/>' columns b text path 'c' default app.shout('x'))
-- sql.select | read
select * from json_table('{}', '$' columns (a int path '$.a'))
-- sql.select | read
select xmlelement(name a, xmlattributes(1 as b)), xmlserialize(content '<a/>' as text), current_date, cast(1 as text), row(1,2) = row(1,2), array[1,2], (array[1])[1], 'a' collate "C", extract(year from now()), trim('x'), substring('abc' from 1 for 2), 1 is distinct from 2, nullif(1,2), 1 in (1,2), 'a' like 'b', 'a' similar to 'b', not true, coalesce(1,2), greatest(1,2), 1 = any(array[1]), exists (select 1), '1'::int is null
-- sql.update | write | public.customers:write | key
update customers set (name, email) = (select 'a','b') where id = 1
-- sql.insert | write | public.customers:write
insert into customers default values
-- sql.insert | write | public.customers:write
insert into customers (id) overriding system value select 1
-- sql.select | read
with recursive t(n) as (values (1) union all select n+1 from t where n < 10) search depth first by n set o cycle n set c using p select * from t
-- sql.select | write | public.customers:read + public.customers:write | locks
select * from (select * from customers) s for update of s
-- sql.select | read | public.customers:read + public.orders:read
select * from customers, lateral (select * from orders o where o.customer_id = customers.id limit 1 offset 1) x
-- sql.select | read
select * from rows from (generate_series(1,2), unnest(array[1])) with ordinality as t(a,b,c)
-- sql.select | read
select * from unnest(array[1], array['a']) as t(a, b)
-- sql.select | read | public.orders:read
select percentile_cont(0.5) within group (order by id) from orders
-- sql.select | read
select json_object('a': 1), json_array(1,2), json_objectagg('a': 1), json_arrayagg(1), '{}' is json, json_scalar(1), json('{}'), json_serialize('{}')
-- sql.select | read | public.people:read
select * from only people
-- sql.select | read | public.people:read + public.staff:read
select * from people
-- sql.update | write | public.people:write + public.staff:write
update people set name='x'
-- sql.delete | write | public.people:write
delete from only people
-- sql.create | define | public.v:define + public.customers:read | effect=schema
create view v as select * from customers
-- sql.create | execute | public.mv:define + public.customers:read + function app.shout(text):execute | effect=schema
create materialized view mv as select app.shout(name) from customers
-- sql.create | execute | public.customers:define + function app.shout(text):execute | effect=schema
create index on customers (app.shout(name))
-- sql.create | execute | public.customers:define + function public.lower(integer):execute | effect=schema
create index concurrently i on customers using btree (lower(name) text_pattern_ops) where id > 1
-- sql.create | execute | public.customers:define + function app.innocent():execute | effect=schema
create trigger t before insert on customers for each row execute function app.innocent()
-- sql.create | administer | public.customers:administer | effect=schema
create rule r as on delete to customers do instead delete from orders
-- sql.admin | administer | event-trigger *:administer | effect=schema
create event trigger e on ddl_command_start execute function app.at_event()
-- sql.create | execute | public.customers:administer + function app.allowed(text):execute | effect=schema
create policy p on customers using (app.allowed(name))
-- sql.create | define | type public.x:define | effect=schema
create type x as (a int, b text)
-- sql.create | define | type public.y:define | effect=schema
create type y as enum ('a')
-- sql.create | execute | type public.d:define + function app.eq(integer, integer):execute | effect=schema
create domain d as int check (app.eq(value, 1))
-- sql.create | define | sequence public.s:define + public.customers:define | effect=schema
create sequence s owned by customers.id
-- sql.alter | define | sequence public.orders_id_seq:define | effect=schema
alter sequence orders_id_seq restart
-- sql.alter | administer | public.customers:define + public.customers:administer | effect=schema
alter table customers add column x int default 1, drop column name, enable row level security, owner to x
-- sql.alter | define | public.events:define + public.events_2024:define + public.events_2025:define + public.audit:define | effect=schema
alter table events attach partition audit for values from (1) to (2)
-- sql.alter | define | public.customers:define | effect=schema
alter table customers rename column ssn to x
-- sql.admin | administer | role x:administer | effect=schema
alter role x set search_path = a
-- sql.admin | administer | setting a:administer | effect=schema
alter system set a = 1
-- sql.admin | administer | extension dblink:administer | effect=schema
create extension dblink
-- sql.comment | define | public.customers:define | effect=schema
comment on table customers is 'x'
-- sql.comment | define | public.customers:define | effect=schema
comment on column customers.ssn is 'x'
-- sql.comment | administer | public.customers:administer | effect=schema
security label on table customers is 'x'
-- sql.create | administer | foreign-server b:administer + schema c:define | effect=schema
import foreign schema a from server b into c
-- sql.create | administer | object *:administer | effect=schema
create cast (int as text) with function app.innocent()
-- sql.set | administer | setting session_authorization:administer | effect=search-path
set session authorization x
-- sql.set | administer | setting row_security:administer
set row_security = off
-- sql.transaction | read
set session characteristics as transaction read write
-- sql.transaction | read
set transaction isolation level serializable
-- sql.transaction | read
set constraints all deferred
-- sql.transaction | read |  | effect=transaction
begin isolation level serializable read only
-- sql.transaction | read |  | effect=transaction
commit
-- sql.transaction | read |  | effect=transaction
rollback to savepoint a
-- sql.transaction | administer | server *:administer | effect=transaction
prepare transaction 'x'
-- sql.transaction | administer | server *:administer
commit prepared 'x'
-- sql.session | read |  | effect=deallocate
deallocate all
-- sql.session | read |  | effect=discard
discard all
-- sql.session | read |  | effect=close
close all
-- sql.listen | read | channel x:read
listen x
-- sql.listen | read
unlisten *
-- sql.show | read | setting all:read
show all
-- sql.show | read | setting search_path:read
show search_path
-- sql.maintain | administer | server *:administer
checkpoint
-- sql.admin | administer | file *:administer
load 'x'
-- sql.maintain | administer | public.customers:administer
reindex table customers
-- sql.maintain | administer | public.customers:administer
cluster customers
-- sql.maintain | administer | *:administer
analyze
-- sql.drop | administer | role *:administer | effect=schema
drop owned by x
-- sql.grant | administer | role *:administer | effect=schema
reassign owned by a to b
-- sql.admin | administer | role x:administer | effect=schema
create user x password 'y'
-- sql.admin | administer | role *:administer | effect=schema
drop role x
-- sql.admin | administer | database x:administer | effect=schema
create database x
-- sql.drop | define | schema app:define + app.secrets:define + object *:define | effect=schema
drop schema app cascade
-- sql.drop | define | function app.innocent:define | effect=schema
drop function app.innocent
-- sql.drop | define | public.customers:define | effect=schema
drop trigger t on customers
-- sql.alter | administer | function app.innocent:administer | effect=schema
alter function app.innocent() security definer
-- sql.grant | administer | role *:administer | effect=schema
alter default privileges grant select on tables to x
-- sql.grant | administer | role *:administer | effect=schema
grant x to y
-- sql.select | execute | function app.innocent():execute | effect=declare
declare c cursor for select app.innocent()
-- sql.explain | read | public.customers:read | explain
explain (analyze off) delete from customers
-- sql.explain | read | public.customers:read | explain
explain (analyze, analyze off) delete from customers
-- sql.explain | read | public.customers:read | explain
explain (generic_plan) select * from customers where id = $1
-- sql.delete | execute | public.customers:write + public.profiles:write + function app.check_handle(text):execute | explain
explain (costs off, analyze true) delete from customers
-- sql.explain | read | public.x:read + public.customers:read | explain
explain create table x as select * from customers
-- sql.create | define | public.x:define + public.customers:read | explain effect=schema
explain analyze create table x as select * from customers
-- sql.explain | unknown | statement *:unknown | explain
explain execute p(1)
-- sql.select | read |  | effect=fetch
fetch backward 5 from c
-- sql.session | read |  | effect=fetch
move 5 in c
-- sql.copy | unknown | statement *:unknown + public.customers:read | copy-out effect=copy-out
copy (select * from customers) to stdout (format csv, delimiter ';', null 'x', encoding 'SJIS')
-- sql.copy | execute | public.customers:write + function app.eq(integer, integer):execute | copy-in effect=copy-in
copy customers(id, name) from stdin with (format csv) where id > app.eq(1,2)::int
-- sql.create | administer | function public.f:administer | effect=schema
create function f() returns int security definer language sql as 'x'
-- sql.create | administer | function public.f:administer | effect=schema
create procedure f() language plpython3u as 'x'
-- sql.create | define | function public.a:define | effect=schema
create aggregate a(int) (sfunc = int4pl, stype = int4)
-- sql.create | define | object public."===":define | effect=schema
create operator === (leftarg=int, rightarg=int, function=app.eq)
-- sql.create | define | object public.x:define | effect=schema
create text search configuration x (copy = english)
-- sql.create | define | public.customers:define | effect=schema
create statistics s on id, name from customers
-- sql.admin | administer | publication *:administer | effect=schema
create publication p for table customers
-- sql.admin | administer | subscription *:administer | effect=schema
create subscription s connection 'x' publication p
-- sql.create | define | public.x:define + public.customers:read | effect=schema
create table x (like customers including all) partition by range (id)
-- sql.create | define | public.x:define + public.customers:read | effect=schema
create unlogged table if not exists x as table customers with no data
-- sql.create | define | pg_temp.y:define | temporary effect=schema
create table pg_temp.y(id int)
-- sql.drop | define | scratch:define | effect=schema
drop table scratch
-- sql.insert | unknown | pg_temp.scratch:unknown
insert into pg_temp.scratch values (1)
-- sql.truncate | write | public.people:write
truncate only people restart identity
-- sql.select | administer | pg_toast.pg_toast_17001:administer
select * from pg_toast.pg_toast_17001
-- sql.select | administer | function pg_catalog.lo_get(oid):administer + large-object *:administer + function pg_catalog.lo_import(text):administer + file *:administer + function pg_catalog.pg_notify(text, text):write + channel *:write + function pg_catalog.pg_advisory_lock(bigint):write + lock *:write + function pg_catalog.pg_terminate_backend(integer, bigint):administer + server *:administer | locks
select lo_get(1), lo_import('x'), pg_notify('a','b'), pg_advisory_lock(1), pg_terminate_backend(1)
-- sql.select | execute | function pg_catalog.ts_stat(text):execute + function pg_catalog.ts_rewrite(tsquery, text):execute
select ts_stat('x'), ts_rewrite('a'::tsquery, 'select'), ts_rewrite('a'::tsquery,'b'::tsquery,'c'::tsquery)
-- sql.select | execute | function public.crosstab(text):execute
select similarity('a','b'), 'a' % 'b', crypt('a', gen_salt('bf')), crosstab('x')
-- sql.select | execute | function public.immutable_evil(text):execute + function app.eq(integer, integer):execute + function public.optional(integer, text):execute + function public.many(text):execute + function public.sum_evil(integer):execute
select immutable_evil('x'), 'a' @@@ 'b', !!! 1, optional(1), many('a','b','c'), sum_evil(1), sum_good(1)
-- sql.select | read | public.customers:read
select * from customers order by name using <
-- sql.merge | write | public.orders:read + public.orders:write | other
merge into orders o using (select 1 as id) s on o.id = s.id when matched and o.id > 1 then update set status = 'x' when not matched then insert (id) values (1) returning merge_action(), o.*
-- sql.insert | execute | public.orders:write + public.orders:read + function app.innocent():execute
insert into orders(id) values(1) returning (select app.innocent())
-- sql.delete | execute | public.customers:write + public.profiles:write + function app.check_handle(text):execute | other
delete from customers where current of c
-- sql.delete | execute | public.customers:write + public.profiles:write + function app.check_handle(text):execute + public.orders:read | other
delete from customers using orders where customers.id = 1
-- sql.update | write | public.pairs:write | key
update pairs set note='x' where a=1 and b=2
-- sql.update | write | public.pairs:write | other
update pairs set note='x' where a=1
-- sql.update | write | public.pairs:write | other
update pairs set note='x' where a=1 and b=2 and (select true)
-- sql.update | write | public.pairs:write | key
update pairs p set note='x' where p.a=1 and p.b='2'::int
-- sql.delete | write | public.audit:write | other
delete from audit where id = null
-- sql.delete | write | public.audit:write | other
delete from audit where id = 1 or id = 2
-- sql.delete | execute | public.audit:write + function app.eq(integer, integer):execute | other
delete from audit where id operator(app.=) 1
-- sql.delete | write | public.audit:write | other
delete from audit where id in (1)
-- sql.delete | write | public.audit:write | key
delete from audit where id = (1)
-- sql.delete | write | public.audit:write | key
delete from audit where 5 = id
-- sql.delete | write | public."CUSTOMERS":write
delete from "CUSTOMERS"
-- sql.delete | execute | public.customers:write + public.profiles:write + function app.check_handle(text):execute
delete from public.U&"c\0075stomers"
-- sql.select | read
values (1, 2), (3, 4)
-- sql.select | read | public.customers:read
table customers
-- sql.select | read | public.customers:read + public.orders:read | other
select 1 from customers where exists (select 1 from orders o where o.customer_id = customers.id)
-- sql.select | read | public.customers:read + public.orders:read
select (select name from customers where id = 1), array(select id from orders)
-- sql.select | read | public.customers:read + public.orders:read
select count(*) from customers c left join orders o using (customer_id)
-- sql.select | read | public.customers:read + public.audit:read
select * from customers natural join audit
-- sql.select | read | public.customers:read + public.orders:read + public.audit:read
select id from customers union all select id from orders except select id from audit
-- sql.select | read | public.customers:read
select case id when 1 then 'a' else 'b' end from customers
-- sql.select | unknown | b:unknown
with a as (select * from b), b as (select 1) select * from a
-- sql.select | read
with recursive a as (select * from b), b as (select 1) select * from a
-- sql.delete | execute | public.orders:write + public.payments:write + function app.log_payment():execute + public.receipts:write | key
with orders as (select 1) delete from orders where id = 1
-- sql.insert | write | public.audit:write
with orders as (select 1 as id) insert into audit select id from orders
-- sql.update | write | public.audit:write + public.audit:read
with x as (insert into audit values (1) returning id), y as (update audit set note = 'x' returning id) select * from x, y
-- sql.merge | write | public.audit:read + public.audit:write | other
with x as (merge into audit a using (select 1 as id) s on a.id = s.id when matched then delete returning a.id) select * from x
-- sql.insert | write | public.audit:write
insert into audit with customers as (select 1 as id) select id from customers
-- sql.select | read | public.customers:read
select * from (with customers as (select 1) select * from customers) a, customers b
-- sql.insert | write | public.audit:write + public.audit:read + public.customers:read
insert into audit (id, note) select id, ssn from customers on conflict (id) do nothing
-- sql.insert | write | public.customer_names:write + public.customers:read + public.customers:write
insert into customer_names values (1, 'x')
-- sql.delete | execute | public.customer_first:write + public.customer_names:read + public.customers:read + public.customer_names:write + public.customers:write + public.profiles:write + function app.check_handle(text):execute | other
delete from customer_first where id = 1
-- sql.update | execute | public.loud:write + public.customers:read + function app.shout(text):execute + public.customers:write + public.profiles:write + function app.check_handle(text):execute
update loud set name = 'x'
-- sql.select | unknown | public.unread:read + public.unread:unknown
select * from unread
-- sql.insert | unknown | public.unread:write + public.unread:unknown
insert into unread values ('x')
-- sql.select | write | public.loud_copy:read + public.customers:read + public.loud_copy:write | locks
select * from loud_copy for update
-- sql.select | read | public.remote:read
select * from remote
-- sql.update | write | public.remote:write
update remote set body = 'x'
-- sql.select | read | sequence public.orders_id_seq:read
select * from orders_id_seq
-- sql.select | unknown | function pg_catalog.setval(regclass, bigint):write + sequence public.orders_id_seq:write + function pg_catalog.nextval(regclass):write + sequence nosuch_seq:unknown + sequence *:write
select setval('public.orders_id_seq', 1), nextval('nosuch_seq'), nextval($1)
-- sql.update | write | public.events:write + public.events_2024:write + public.events_2025:write | other
update events set body = 'x' where id = 1
-- sql.delete | write | public.events_2024:write + public.events:write
delete from events_2024
-- sql.truncate | write | public.events:write + public.events_2024:write + public.events_2025:write
truncate events
-- sql.truncate | write | public.triggered:write + public.audit:write
truncate triggered, audit
-- sql.update | write | public.customers:write
update customers set name = 'x'
-- sql.update | execute | public.customers:write + public.profiles:write + function app.check_handle(text):execute
update customers set id = default
-- sql.delete | execute | public.payments:write + function app.log_payment():execute + public.receipts:write | key
delete from payments where id = 1
-- sql.insert | execute | public.profiles:write + function app.check_handle(text):execute
insert into profiles (handle) values ('x')
-- sql.merge | read | public.audit:read + public.customers:read | other
merge into audit using customers on audit.id = customers.id when matched then do nothing
-- sql.merge | write | public.audit:read + public.audit:write + public.customers:read | other
merge into audit using customers on audit.id = customers.id when not matched by source then delete when not matched then insert values (1, 'x')
-- sql.update | administer | pg_catalog.pg_class:administer
update pg_catalog.pg_class set relname = 'x'
-- sql.delete | administer | pg_catalog.pg_authid:administer
delete from pg_catalog.pg_authid
-- sql.select | administer | pg_catalog.pg_authid:administer + pg_catalog.pg_stats:administer + pg_catalog.pg_stat_activity:read
select rolpassword from pg_authid, pg_stats, pg_stat_activity
-- sql.select | administer | pg_catalog.pg_user_mappings:administer + pg_catalog.pg_largeobject:administer + pg_catalog.pg_shadow:administer + pg_catalog.pg_file_settings:administer
select * from pg_user_mappings, pg_largeobject, pg_shadow, pg_file_settings
-- sql.select | read
select current_setting('x'), version(), pg_get_viewdef(1), has_table_privilege('x', 'select')
-- sql.select | read
select now(), clock_timestamp(), random(), gen_random_uuid(), statement_timestamp()
-- sql.select | execute | function pg_catalog.pg_input_is_valid(text, text):execute + function pg_catalog.record_in(cstring, oid, integer):execute
select pg_input_is_valid('x', 'app.handle'), record_in('(1)', 1, 1)
-- sql.select | administer | function pg_catalog.pg_create_physical_replication_slot(name, boolean, boolean):administer + server *:administer + function pg_catalog.pg_switch_wal():administer + function pg_catalog.pg_reload_conf():administer + function pg_catalog.pg_stat_reset():administer
select pg_create_physical_replication_slot('x'), pg_switch_wal(), pg_reload_conf(), pg_stat_reset()
-- sql.select | execute | function pg_catalog.table_to_xml(regclass, boolean, boolean, text):execute + function pg_catalog.cursor_to_xml(refcursor, integer, boolean, boolean, text):execute + function pg_catalog.schema_to_xml(name, boolean, boolean, text):execute + function pg_catalog.database_to_xml(boolean, boolean, text):execute
select table_to_xml('customers', true, true, ''), cursor_to_xml('c', 1, true, true, ''), schema_to_xml('x', true, true, ''), database_to_xml(true, true, '')
-- sql.select | administer | function pg_catalog.pg_ls_dir(text):administer + file *:administer + function pg_catalog.pg_stat_file(text):administer + function pg_catalog.pg_read_binary_file(text):administer + function pg_catalog.lo_export(oid, text):administer
select pg_ls_dir('.'), pg_stat_file('x'), pg_read_binary_file('x'), lo_export(1, 'x')
-- sql.select | write | function pg_catalog.lo_creat(integer):write + large-object *:write + function pg_catalog.lo_unlink(oid):write + function pg_catalog.lo_put(oid, bigint, bytea):write
select lo_creat(1), lo_unlink(1), lo_put(1, 0, 'x')
-- sql.select | administer | function pg_catalog.pg_read_file(text):administer + file *:administer
select sum(length(pg_read_file('/etc/passwd')))
-- sql.update | administer | public.audit:write + public.audit:read + function pg_catalog.pg_read_file(text):administer + file *:administer
update audit set note = pg_read_file('/etc/passwd') returning note
-- sql.insert | execute | public.audit:write + function app.shout(text):execute
insert into audit (note) values (app.shout('x'))
-- sql.select | execute | public.customers:read + function app.eq(integer, integer):execute | other
select * from customers where id > (select app.eq(1, 2)::int)
-- sql.select | execute | public.customers:read + function app.shout(text):execute + function app.eq(integer, integer):execute
select * from customers limit app.eq(1, 2)::int offset app.shout('1')::int
-- sql.select | execute | public.customers:read + function app.shout(text):execute
select * from customers order by app.shout(name)
-- sql.select | execute | public.customers:read + function app.shout(text):execute
select name from customers group by name having app.shout(name) = 'X'
-- sql.select | execute | public.customers:read + function app.shout(text):execute
select sum(id) over (partition by app.shout(name)) from customers
-- sql.select | execute | public.customers:read + function app.allowed(text):execute
select count(*) filter (where app.allowed(name)) from customers
-- sql.select | execute | public.customers:read + function app.shout(text):execute
select array_agg(name order by app.shout(name)) from customers
-- sql.select | execute | function app.innocent():execute
select * from app.innocent()
-- sql.select | execute | public.customers:read + function app.shout(text):execute
select * from customers, lateral app.shout(name) x
-- sql.select | execute | function app.innocent():execute
select * from rows from (app.innocent(), generate_series(1, 2)) x
-- sql.select | execute | function app.shout(text):execute
select xmlforest(app.shout('x') as a)
-- sql.select | execute | function app.shout(text):execute + function app.allowed(text):execute
select row(app.shout('x'), 1), array[app.shout('x')], coalesce(app.shout('x'), 'y'), app.shout('x') collate "C", (app.shout('x'))::text, not app.allowed('x'), app.allowed('x') is true, app.shout('x') is null, greatest(app.shout('x'), 'y')
-- sql.insert | execute | public.audit:write + public.audit:read + function app.shout(text):execute + function app.allowed(text):execute
insert into audit values (1, 'x') on conflict (id) do update set note = app.shout('x') where app.allowed('y')
-- sql.delete | execute | public.audit:write + function app.allowed(text):execute
delete from audit using lateral (select app.allowed('x')) a
-- sql.select | execute | function app.shout(text):execute
values (app.shout('x'))
-- sql.select | execute | public.customers:read + function app.shout(text):execute
select distinct on (app.shout(name)) * from customers
-- sql.select | execute | public.customers:read + function public.immutable_evil(text):execute | other
select * from customers where name @@@ 'x'
-- sql.select | execute | public.customers:read + function app.eq(integer, integer):execute | other
select * from customers where id operator(app.=) 1
-- sql.select | execute | public.customers:read + function app.eq(integer, integer):execute | other
select * from customers where (id, id) operator(app.===) any (select 1, 2)
-- sql.select | execute | function app.eq(integer, integer):execute | other
select 1 where 1 = any (select app.eq(1, 1)::int)
-- sql.select | execute | function public.crosstab(text):execute
select crosstab('select ssn from customers')
-- sql.create | execute | app.t:define + function app.eq(integer, integer):execute + function app.shout(text):execute + function app.allowed(text):execute | effect=schema
create table if not exists app.t (a int default app.eq(1, 1)::int, b text generated always as (app.shout('x')) stored, check (app.allowed(b)))
-- sql.create | define | public.child:define + public.customers:define | effect=schema
create table child () inherits (customers)
-- sql.create | define | public.events_2026:define + public.events:define + public.events_2024:define + public.events_2025:define | effect=schema
create table events_2026 partition of events for values from ('2026-01-01') to ('2027-01-01')
-- sql.create | execute | public.of_type:define + function app.check_handle(text):execute | effect=schema
create table of_type of app.handle
-- sql.create | unknown | public.t:define + type nosuchtype:unknown | effect=schema
create table t (a nosuchtype)
-- sql.create | define | pg_temp.tv:define + public.customers:read | temporary effect=schema
create temporary view tv as select * from customers
-- sql.create | define | public.rv:define | effect=schema
create or replace recursive view rv (n) as values (1) union all select n + 1 from rv where n < 5
-- sql.create | administer | public.ft:define + foreign-server s:administer | effect=schema
create foreign table ft (a int) server s
-- sql.create | define | public.audit:define | effect=schema
create unique index on audit (id) include (note) where note is not null
-- sql.create | define | sequence pg_temp.ts:define | temporary effect=schema
create temp sequence ts
-- sql.create | define | type public.r:define | effect=schema
create type r as range (subtype = int4)
-- sql.create | define | type public.base:define | effect=schema
create type base (input = textin, output = textout)
-- sql.create | define | function public.f:define | effect=schema
create function f(a int default app.eq(1, 1)::int) returns table (x int) language plpgsql as 'begin end'
-- sql.create | define | function public.g:define | effect=schema
create function g() returns int begin atomic delete from customers; select 1; end
-- sql.create | administer | object public.oc:administer | effect=schema
create operator class oc for type int4 using btree as operator 1 <
-- sql.create | administer | object public.of1:administer | effect=schema
create operator family of1 using btree
-- sql.create | define | object public.c:define | effect=schema
create collation c from "C"
-- sql.create | administer | object public.cv:administer | effect=schema
create conversion cv for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8
-- sql.create | administer | object *:administer | effect=schema
create transform for int language plpgsql (from sql with function app.innocent())
-- sql.admin | administer | object *:administer | effect=schema
create access method am type index handler bthandler
-- sql.admin | administer | language pl:administer | effect=schema
create language pl handler plpgsql_call_handler
-- sql.create | define | object public.d:define | effect=schema
create text search dictionary d (template = simple)
-- sql.admin | administer | foreign-server w:administer | effect=schema
create foreign data wrapper w
-- sql.admin | administer | foreign-server s:administer | effect=schema
create server s foreign data wrapper w
-- sql.admin | administer | foreign-server s:administer | effect=schema
create user mapping for public server s options (password 'x')
-- sql.admin | administer | tablespace ts:administer | effect=schema
create tablespace ts location '/x'
-- sql.admin | administer | role r:administer | effect=schema
create role r superuser
-- sql.admin | administer | role g:administer | effect=schema
create group g
-- sql.alter | execute | public.audit:define + function app.allowed(text):execute + function app.shout(text):execute | effect=schema
alter table audit add constraint c check (app.allowed(note)) not valid, alter column note set default app.shout('x')
-- sql.alter | define | public.audit:define + public.customers:read | effect=schema
alter table audit add constraint f foreign key (id) references customers (id)
-- sql.alter | define | public.audit:define | effect=schema
alter table audit rename to audit2
-- sql.alter | define | public.audit:define | effect=schema
alter table audit set schema app
-- sql.alter | define | public.audit:define + public.people:define + public.staff:define | effect=schema
alter table audit inherit people
-- sql.alter | administer | public.audit:define + public.audit:administer | effect=schema
alter table audit disable trigger all
-- sql.alter | administer | tablespace a:administer | effect=schema
alter table all in tablespace a set tablespace b
-- sql.alter | define | public.customer_names:define | effect=schema
alter view customer_names set (security_barrier = true)
-- sql.alter | define | public.city_counts:define | effect=schema
alter materialized view city_counts set schema app
-- sql.alter | define | nosuch:define | effect=schema
alter index nosuch rename to x
-- sql.alter | define | type public.status:define | effect=schema
alter type status add value 'x'
-- sql.alter | define | app.pair:define | effect=schema
alter type app.pair rename attribute a to b
-- sql.alter | administer | type app.code:administer | effect=schema
alter type app.code set (storage = plain)
-- sql.alter | execute | type app.handle:define + function app.allowed(text):execute | effect=schema
alter domain app.handle add check (app.allowed(value))
-- sql.alter | define | function app.innocent:define | effect=schema
alter function app.innocent() rename to guilty
-- sql.grant | administer | function app.innocent:administer | effect=schema
alter function app.innocent() owner to x
-- sql.alter | define | function app.innocent:define | effect=schema
alter function app.innocent() set search_path = x
-- sql.alter | define | function app.innocent:define | effect=schema
alter function app.innocent() depends on extension x
-- sql.alter | administer | function app.purge:administer | effect=schema
alter procedure app.purge() security definer
-- sql.grant | administer | object app."===":administer | effect=schema
alter operator app.=== (int, int) owner to x
-- sql.alter | define | object app.===:define | effect=schema
alter operator app.=== (int, int) set (restrict = none)
-- sql.alter | administer | object public.of1:administer | effect=schema
alter operator family of1 using btree drop operator 1 (int, int)
-- sql.alter | define | object public."C":define | effect=schema
alter collation "C" refresh version
-- sql.alter | define | object public.s:define | effect=schema
alter statistics s set statistics 1
-- sql.grant | administer | schema app:administer | effect=schema
alter schema app owner to x
-- sql.alter | define | schema app:define | effect=schema
alter schema app rename to x
-- sql.alter | administer | public.customers:administer | effect=schema
alter policy p on customers using (true)
-- sql.admin | administer | event-trigger *:administer | effect=schema
alter event trigger e disable
-- sql.alter | define | public.customers:define | effect=schema
alter trigger t on customers rename to u
-- sql.alter | define | public.customers:define | effect=schema
alter rule r on customers rename to s
-- sql.alter | define | object public.c:define | effect=schema
alter text search configuration c add mapping for word with simple
-- sql.alter | define | object public.d:define | effect=schema
alter text search dictionary d (x = 1)
-- sql.admin | administer | database x:administer | effect=schema
alter database x set search_path = y
-- sql.admin | administer | database x:administer | effect=schema
alter database x connection limit 1
-- sql.admin | administer | database x:administer | effect=schema
alter database x refresh collation version
-- sql.admin | administer | extension x:administer | effect=schema
alter extension x update
-- sql.admin | administer | extension x:administer | effect=schema
alter extension x add function app.innocent()
-- sql.admin | administer | foreign-server w:administer | effect=schema
alter foreign data wrapper w options (add x 'y')
-- sql.admin | administer | foreign-server s:administer | effect=schema
alter server s options (add x 'y')
-- sql.admin | administer | foreign-server s:administer | effect=schema
alter user mapping for public server s options (set password 'x')
-- sql.admin | administer | role *:administer | effect=schema
alter role x superuser
-- sql.admin | administer | role *:administer | effect=schema
alter group g add user x
-- sql.admin | administer | publication *:administer | effect=schema
alter publication p add table customers
-- sql.admin | administer | subscription *:administer | effect=schema
alter subscription s disable
-- sql.admin | administer | tablespace t:administer | effect=schema
alter tablespace t set (seq_page_cost = 1)
-- sql.grant | administer | object *:administer | effect=schema
alter large object 1 owner to x
-- sql.drop | define | nosuch:define + public.customers:define | effect=schema
drop table if exists nosuch, customers
-- sql.drop | define | public.customer_names:define | effect=schema
drop view customer_names
-- sql.drop | define | nosuch:define | effect=schema
drop index nosuch
-- sql.drop | define | sequence public.orders_id_seq:define | effect=schema
drop sequence orders_id_seq
-- sql.drop | define | type app.handle:define | effect=schema
drop type app.handle
-- sql.drop | define | type app.handle:define | effect=schema
drop domain app.handle
-- sql.drop | administer | public.customers:administer | effect=schema
drop policy p on customers
-- sql.drop | define | public.customers:define | effect=schema
drop rule r on customers
-- sql.drop | define | schema app:define + app.secrets:define | effect=schema
drop schema app
-- sql.drop | define | object app."===":define | effect=schema
drop operator app.=== (int, int)
-- sql.drop | administer | object "pg_catalog.int4".text:administer | effect=schema
drop cast (int as text)
-- sql.drop | define | function public.sum_evil:define | effect=schema
drop aggregate sum_evil(int)
-- sql.drop | administer | extension dblink:administer | effect=schema
drop extension dblink
-- sql.drop | administer | object plpgsql:administer | effect=schema
drop language plpgsql
-- sql.drop | administer | object s:administer | effect=schema
drop server s
-- sql.admin | administer | foreign-server s:administer | effect=schema
drop user mapping for public server s
-- sql.admin | administer | subscription *:administer | effect=schema
drop subscription s
-- sql.drop | administer | object p:administer | effect=schema
drop publication p
-- sql.drop | administer | object e:administer | effect=schema
drop event trigger e
-- sql.admin | administer | database x:administer | effect=schema
drop database x
-- sql.admin | administer | tablespace t:administer | effect=schema
drop tablespace t
-- sql.drop | administer | object a:administer | effect=schema
drop access method a
-- sql.drop | administer | object "pg_catalog.int4".plpgsql:administer | effect=schema
drop transform for int language plpgsql
-- sql.drop | administer | object p:administer | effect=schema
drop text search parser p
-- sql.drop | administer | object w:administer | effect=schema
drop foreign data wrapper w
-- sql.drop | define | public.city_counts:define | effect=schema
drop materialized view city_counts
-- sql.drop | define | object s:define | effect=schema
drop statistics s
-- sql.drop | administer | role *:administer | effect=schema
drop owned by x cascade
-- sql.grant | administer | schema public:administer | effect=schema
revoke all on all tables in schema public from x
-- sql.grant | administer | function app.innocent:administer | effect=schema
grant execute on function app.innocent() to x
-- sql.grant | administer | schema app:administer | effect=schema
grant usage on schema app to x
-- sql.grant | administer | database shop:administer | effect=schema
grant all on database shop to x
-- sql.grant | administer | public.customers:administer | effect=schema
grant select (ssn) on customers to x
-- sql.grant | administer | object work_mem:administer | effect=schema
grant set on parameter work_mem to x
-- sql.grant | administer | role *:administer | effect=schema
revoke x from y
-- sql.grant | administer | role *:administer | effect=schema
alter default privileges revoke execute on functions from public
-- sql.comment | define | function app.innocent:define | effect=schema
comment on function app.innocent() is 'x'
-- sql.comment | administer | database shop:administer | effect=schema
comment on database shop is 'x'
-- sql.comment | administer | role x:administer | effect=schema
comment on role x is 'x'
-- sql.set | read | setting timezone:read
set time zone 'UTC'
-- sql.set | read | setting statement_timeout:read
set local statement_timeout = 1
-- sql.set | read | setting work_mem:read
set work_mem to default
-- sql.set | administer | setting x.y:administer
set x.y = 'z'
-- sql.set | read | setting search_path:read | effect=search-path
set "Search_Path" = app
-- sql.set | unknown | statement *:unknown
set search_path from current
-- sql.set | administer | setting log_statement:administer
set log_statement = 'none'
-- sql.set | administer | setting session_replication_role:administer
set session_replication_role = replica
-- sql.set | administer | setting role:administer | effect=search-path
set local role none
-- sql.set | unknown | setting standard_conforming_strings:unknown
set standard_conforming_strings to default
-- sql.set | unknown | setting backslash_quote:unknown
set backslash_quote = on
-- sql.set | unknown | setting client_encoding:unknown
set client_encoding to default
-- sql.set | read | setting datestyle:read
set datestyle to iso, mdy
-- sql.transaction | read
set transaction snapshot 'x'
-- sql.set | read | setting search_path:read | effect=search-path
reset search_path
-- sql.set | administer | setting role:administer | effect=search-path
reset role
-- sql.set | administer | setting session_authorization:administer | effect=search-path
reset session authorization
-- sql.set | unknown | setting standard_conforming_strings:unknown
reset standard_conforming_strings
-- sql.show | read | setting transaction_isolation:read
show transaction isolation level
-- sql.select | unknown | setting *:unknown
select set_config($1, 'x', false)
-- sql.select | administer | setting role:administer | effect=search-path
select set_config('role', 'x', false)
-- sql.select | read | setting work_mem:read
select set_config('work_mem', '1MB', true)
-- sql.select | unknown | setting *:unknown
select set_config('x' || 'y', 'z', true)
-- sql.select | unknown | setting *:unknown
select set_config(value => 'x', name => 'y', is_local => false)
-- sql.create | unknown | public.x:define + setting search_path:read + statement *:unknown | effect=schema
create table x as select set_config('search_path', 'x', false)
-- sql.transaction | read |  | effect=transaction
begin
-- sql.transaction | read |  | effect=transaction
start transaction read write
-- sql.transaction | read |  | effect=transaction
abort
-- sql.transaction | read |  | effect=transaction
end
-- sql.transaction | read |  | effect=transaction
savepoint a
-- sql.transaction | read |  | effect=transaction
release a
-- sql.transaction | read |  | effect=transaction
rollback
-- sql.transaction | administer | server *:administer
rollback prepared 'x'
-- sql.transaction | read |  | effect=transaction
commit and chain
-- sql.transaction | read
set constraints all immediate
-- sql.session | read |  | effect=deallocate
deallocate p
-- sql.session | read |  | effect=discard
discard plans
-- sql.session | read |  | effect=discard
discard temp
-- sql.session | read |  | effect=discard
discard sequences
-- sql.session | read |  | effect=close
close c
-- sql.select | read |  | effect=fetch
fetch next from c
-- sql.session | read |  | effect=fetch
move all in c
-- sql.select | read | public.customers:read | effect=declare
declare c scroll cursor with hold for select * from customers where id = 1
-- sql.select | read | public.customers:read | effect=prepare
prepare p (int) as select * from customers where id = $1
-- sql.insert | execute | public.audit:write + function app.shout(text):execute | effect=prepare
prepare p as insert into audit values ($1, app.shout($2))
-- sql.select | read |  | effect=execute
execute p
-- sql.create | execute | public.x:define + function app.eq(integer, integer):execute | effect=execute
create table x as execute p(app.eq(1, 2))
-- sql.explain | execute | public.loud:read + public.customers:read + function app.shout(text):execute | explain
explain verbose select * from loud
-- sql.select | read |  | explain
explain analyze declare c cursor for select 1
-- sql.select | unknown | statement *:unknown | explain
explain (analyze) execute p
-- sql.insert | execute | public.triggered:write + function app.innocent():execute | explain
explain analyze insert into triggered values (1)
-- sql.explain | execute | public.orders:read + function app.shout(text):execute | explain
explain (format json, buffers) update orders set total = app.shout('1')::int
-- sql.copy | read | public.customers:read | copy-out effect=copy-out
copy customers (id, name) to stdout with csv header delimiter ';' null 'x'
-- sql.copy | read | public.customers:read | copy-out effect=copy-out
copy customers to stdout (format binary)
-- sql.copy | read | public.customers:read | copy-out effect=copy-out
copy (select ssn from customers) to stdout
-- sql.insert | write | public.audit:write + public.audit:read | copy-out effect=copy-out
copy (insert into audit values (1) returning *) to stdout
-- sql.copy | execute | public.triggered:write + function app.innocent():execute | copy-in effect=copy-in
copy triggered from stdin
-- sql.copy | administer | program *:administer + public.customers:read | copy-out
copy customers to program 'id'
-- sql.copy | administer | file *:administer + public.customers:write | copy-in
copy customers from '/etc/passwd'
-- sql.copy | administer | file *:administer | copy-out
copy (select 1) to '/tmp/x'
-- sql.lock | write | public.customers:read + public.customers:write | locks
lock table customers in row exclusive mode nowait
-- sql.lock | write | public.customer_names:read + public.customers:read + public.customer_names:write + public.customers:write | locks
lock customer_names in share mode
-- sql.select | write | public.customers:read + public.customers:write | locks
select * from customers for no key update skip locked
-- sql.select | write | public.customers:read + public.customers:write + public.orders:read + public.orders:write | locks
select * from customers c, orders o for share of o
-- sql.select | write | public.customers:read + public.orders:read + public.orders:write | other locks
select * from customers where id in (select id from orders for update)
-- sql.notify | write | channel c:write
notify c
-- sql.listen | read
unlisten c
-- sql.maintain | administer | *:administer
vacuum
-- sql.maintain | administer | public.audit:administer
vacuum (full, analyze) audit (note)
-- sql.maintain | administer | public.customers:administer
analyze customers (name)
-- sql.maintain | administer | x:administer
reindex index concurrently x
-- sql.maintain | administer | *:administer
reindex system shop
-- sql.maintain | administer | *:administer
cluster
-- sql.maintain | administer | public.audit:administer
cluster audit using i
-- sql.alter | define | public.city_counts:read + public.customers:read + public.city_counts:define | effect=schema
refresh materialized view concurrently city_counts with no data
-- sql.comment | administer | role y:administer | effect=schema
security label for x on role y is 'z'
-- sql.create | administer | foreign-server s:administer + schema app:define | effect=schema
import foreign schema a limit to (b) from server s into app
-- sql.grant | administer | role *:administer | effect=schema
reassign owned by a, b to c
-- sql.call | execute | function public.purge(integer):execute
call purge(1)
-- sql.call | unknown | function app.eq(integer, integer):execute + function app.purge:unknown
call app.purge(app.eq(1, 2))
-- sql.do | execute | code do:execute
do language plpgsql 'begin delete from customers; end'
-- sql.create | define | schema s:define | effect=schema
create schema s authorization x
