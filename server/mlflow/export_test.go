package mlflow

import "maps"

// Routes gives all routes without a variable part, as "METHOD path".
func Routes() (routes []string) {
	all := maps.Clone(tracking20)
	maps.Copy(all, registry20)
	maps.Copy(all, atRoot)
	for path, table := range all {
		for method := range table {
			routes = append(routes, method+" "+path)
		}
	}
	return routes
}
