package clock

import rego.v1

# Its answer changes with time, so it is never remembered.
decision := {"allow": time.now_ns() > 0}
