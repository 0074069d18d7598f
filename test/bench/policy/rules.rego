package bench

import rego.v1

default allow := false

allow if {
	granted
	not denied
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.select"
	input.resource.env == "staging"
	"group-0" in input.identity.groups
	input.identity.mfa
	"public.t0" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.insert"
	input.resource.env == "prod"
	"group-1" in input.identity.groups
	input.identity.mfa
	"public.t1" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.update"
	input.resource.env == "prod"
	"group-2" in input.identity.groups
	input.identity.mfa
	"public.t2" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.delete"
	input.resource.env == "staging"
	"group-3" in input.identity.groups
	input.identity.mfa
	"public.t3" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.copy"
	input.resource.env == "prod"
	"group-4" in input.identity.groups
	input.identity.mfa
	"public.t4" in input.action.objects
}

denied if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.select"
	input.resource.env == "prod"
	"group-5" in input.identity.groups
	input.identity.mfa
	"public.t5" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.insert"
	input.resource.env == "staging"
	"group-6" in input.identity.groups
	input.identity.mfa
	"public.t6" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.update"
	input.resource.env == "prod"
	"group-7" in input.identity.groups
	input.identity.mfa
	"public.t7" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.delete"
	input.resource.env == "prod"
	"group-8" in input.identity.groups
	input.identity.mfa
	"public.t8" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.copy"
	input.resource.env == "staging"
	"group-9" in input.identity.groups
	input.identity.mfa
	"public.t9" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.select"
	input.resource.env == "prod"
	"group-0" in input.identity.groups
	input.identity.mfa
	"public.t10" in input.action.objects
}

denied if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.insert"
	input.resource.env == "prod"
	"group-1" in input.identity.groups
	input.identity.mfa
	"public.t11" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.update"
	input.resource.env == "staging"
	"group-2" in input.identity.groups
	input.identity.mfa
	"public.t12" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.delete"
	input.resource.env == "prod"
	"group-3" in input.identity.groups
	input.identity.mfa
	"public.t13" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.copy"
	input.resource.env == "prod"
	"group-4" in input.identity.groups
	input.identity.mfa
	"public.t14" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.select"
	input.resource.env == "staging"
	"group-5" in input.identity.groups
	input.identity.mfa
	"public.t15" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.insert"
	input.resource.env == "prod"
	"group-6" in input.identity.groups
	input.identity.mfa
	"public.t16" in input.action.objects
}

denied if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.update"
	input.resource.env == "prod"
	"group-7" in input.identity.groups
	input.identity.mfa
	"public.t17" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.delete"
	input.resource.env == "staging"
	"group-8" in input.identity.groups
	input.identity.mfa
	"public.t18" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.copy"
	input.resource.env == "prod"
	"group-9" in input.identity.groups
	input.identity.mfa
	"public.t19" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.select"
	input.resource.env == "prod"
	"group-0" in input.identity.groups
	input.identity.mfa
	"public.t20" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.insert"
	input.resource.env == "staging"
	"group-1" in input.identity.groups
	input.identity.mfa
	"public.t21" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.update"
	input.resource.env == "prod"
	"group-2" in input.identity.groups
	input.identity.mfa
	"public.t22" in input.action.objects
}

denied if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.delete"
	input.resource.env == "prod"
	"group-3" in input.identity.groups
	input.identity.mfa
	"public.t23" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.copy"
	input.resource.env == "staging"
	"group-4" in input.identity.groups
	input.identity.mfa
	"public.t24" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.select"
	input.resource.env == "prod"
	"group-5" in input.identity.groups
	input.identity.mfa
	"public.t0" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.insert"
	input.resource.env == "prod"
	"group-6" in input.identity.groups
	input.identity.mfa
	"public.t1" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.update"
	input.resource.env == "staging"
	"group-7" in input.identity.groups
	input.identity.mfa
	"public.t2" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.delete"
	input.resource.env == "prod"
	"group-8" in input.identity.groups
	input.identity.mfa
	"public.t3" in input.action.objects
}

denied if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.copy"
	input.resource.env == "prod"
	"group-9" in input.identity.groups
	input.identity.mfa
	"public.t4" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.select"
	input.resource.env == "staging"
	"group-0" in input.identity.groups
	input.identity.mfa
	"public.t5" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.insert"
	input.resource.env == "prod"
	"group-1" in input.identity.groups
	input.identity.mfa
	"public.t6" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.update"
	input.resource.env == "prod"
	"group-2" in input.identity.groups
	input.identity.mfa
	"public.t7" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.delete"
	input.resource.env == "staging"
	"group-3" in input.identity.groups
	input.identity.mfa
	"public.t8" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.copy"
	input.resource.env == "prod"
	"group-4" in input.identity.groups
	input.identity.mfa
	"public.t9" in input.action.objects
}

denied if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.select"
	input.resource.env == "prod"
	"group-5" in input.identity.groups
	input.identity.mfa
	"public.t10" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.insert"
	input.resource.env == "staging"
	"group-6" in input.identity.groups
	input.identity.mfa
	"public.t11" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.update"
	input.resource.env == "prod"
	"group-7" in input.identity.groups
	input.identity.mfa
	"public.t12" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.delete"
	input.resource.env == "prod"
	"group-8" in input.identity.groups
	input.identity.mfa
	"public.t13" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.copy"
	input.resource.env == "staging"
	"group-9" in input.identity.groups
	input.identity.mfa
	"public.t14" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.select"
	input.resource.env == "prod"
	"group-0" in input.identity.groups
	input.identity.mfa
	"public.t15" in input.action.objects
}

denied if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.insert"
	input.resource.env == "prod"
	"group-1" in input.identity.groups
	input.identity.mfa
	"public.t16" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.update"
	input.resource.env == "staging"
	"group-2" in input.identity.groups
	input.identity.mfa
	"public.t17" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.delete"
	input.resource.env == "prod"
	"group-3" in input.identity.groups
	input.identity.mfa
	"public.t18" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.copy"
	input.resource.env == "prod"
	"group-4" in input.identity.groups
	input.identity.mfa
	"public.t19" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.select"
	input.resource.env == "staging"
	"group-5" in input.identity.groups
	input.identity.mfa
	"public.t20" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.insert"
	input.resource.env == "prod"
	"group-6" in input.identity.groups
	input.identity.mfa
	"public.t21" in input.action.objects
}

denied if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.update"
	input.resource.env == "prod"
	"group-7" in input.identity.groups
	input.identity.mfa
	"public.t22" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.delete"
	input.resource.env == "staging"
	"group-8" in input.identity.groups
	input.identity.mfa
	"public.t23" in input.action.objects
}

granted if {
	input.resource.kind == "postgres"
	input.action.verb == "sql.copy"
	input.resource.env == "prod"
	"group-9" in input.identity.groups
	input.identity.mfa
	"public.t24" in input.action.objects
}
