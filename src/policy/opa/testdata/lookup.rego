package lookup

import rego.v1

# Asks the network: refused when it is loaded.
decision := {"allow": http.send({"method": "get", "url": "http://127.0.0.1:1"}).status_code == 200}
