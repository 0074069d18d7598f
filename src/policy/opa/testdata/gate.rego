# What the bundles of this directory are built from; see README.md.
package gate

import rego.v1

default allow := false

default require := {}

# Readers may read.
allow if {
	input.action.access == "read"
	"analysts" in input.identity.groups
}

# Nobody writes to what is tagged as frozen, whoever they act for.
deny contains sprintf("%s is frozen", [input.resource.name]) if {
	input.action.access != "read"
	"state/frozen" in input.resource.tags
}

deny contains "agents may not touch payments" if {
	input.identity.kind == "agent"
	some target in input.action.targets
	startswith(target.name, data.gate.protected[_])
}

reasons contains "only analysts read here" if not "analysts" in input.identity.groups

require := {"limit": {"rows": data.gate.rows}, "record": "full"} if input.resource.kind == "postgres"

decision := {"allow": allow, "deny": deny, "reasons": reasons, "require": require}

# For tests of what goes wrong.
wrong_shape := {"allow": "yes"}

undefined_here if input.nothing.like.this

slow := count([1 |
	some a in numbers.range(1, 100000)
	some b in numbers.range(1, 100000)
	a == b
])

huge := [concat("", ["x", format_int(n, 10)]) | some n in numbers.range(1, 10000000)]
