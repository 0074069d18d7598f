# Policies that would take very long, or grow very large.
package evil

import rego.v1

pattern := regex.match(`(a+)+$`, concat("", [input.long, "!"]))

join := concat("", [s10, s10, s10, s10])
s0 := input.long
s1 := concat("", [s0, s0, s0, s0, s0, s0, s0, s0])
s2 := concat("", [s1, s1, s1, s1, s1, s1, s1, s1])
s3 := concat("", [s2, s2, s2, s2, s2, s2, s2, s2])
s4 := concat("", [s3, s3, s3, s3, s3, s3, s3, s3])
s5 := concat("", [s4, s4, s4, s4, s4, s4, s4, s4])
s6 := concat("", [s5, s5, s5, s5, s5, s5, s5, s5])
s7 := concat("", [s6, s6, s6, s6, s6, s6, s6, s6])
s8 := concat("", [s7, s7, s7, s7, s7, s7, s7, s7])
s9 := concat("", [s8, s8, s8, s8, s8, s8, s8, s8])
s10 := concat("", [s9, s9, s9, s9, s9, s9, s9, s9])

shared := {"allow": count({v9}) == 1}
v0 := [input, input, input, input, input, input, input, input]
v1 := [v0, v0, v0, v0, v0, v0, v0, v0]
v2 := [v1, v1, v1, v1, v1, v1, v1, v1]
v3 := [v2, v2, v2, v2, v2, v2, v2, v2]
v4 := [v3, v3, v3, v3, v3, v3, v3, v3]
v5 := [v4, v4, v4, v4, v4, v4, v4, v4]
v6 := [v5, v5, v5, v5, v5, v5, v5, v5]
v7 := [v6, v6, v6, v6, v6, v6, v6, v6]
v8 := [v7, v7, v7, v7, v7, v7, v7, v7]
v9 := [v8, v8, v8, v8, v8, v8, v8, v8]

many := count(numbers.range(1, 1000000000000)) > 0

wide := count(sprintf("%0100000d", [1])) > 0

wider := count(sprintf("%01000000000d", [1])) > 0

number := to_number("1e1000000000") > 0

addresses := count(net.cidr_expand("::/0")) > 0

shift := bits.lsh(1, 1000000000) > 0

spread := count(replace(s3, "a", s3)) > 0

padding := count(split(s5, "a")) > 0

yaml_bomb := count(yaml.unmarshal("a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]")) > 0

conflict := 1 if input.long

conflict := 2 if input

fails if 1 / to_number(input.zero) > 0

not_failing if not fails
