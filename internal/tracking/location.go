package tracking

import (
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/cairnml/cairn/internal/errs"
)

// maxArtifactLocation is in bytes.
const maxArtifactLocation = 2048

// proxyScheme is how MLflow's clients name artifacts that go through the server.
const proxyScheme = "mlflow-artifacts:"

// clientStores are the schemes of stores that clients reach by themselves, with credentials of their own. The server never opens them.
var clientStores = map[string]bool{
	"s3": true, "gs": true, "wasb": true, "wasbs": true, "abfs": true, "abfss": true, "dbfs": true, "hdfs": true, "viewfs": true,
	"r2": true, "b2": true, "oss": true,
}

var storePattern = regexp.MustCompile(`^([a-z][a-z0-9]*):/{1,3}[^/]`)

// checkArtifactLocation judges where somebody wants the artifacts of an experiment: in the server's own store, or in one that clients
// reach by themselves. A path of a machine is neither: it would be the server's to whom the server is asked for it.
func checkArtifactLocation(location string) error {
	const field = "artifact_location"
	switch scheme := storePattern.FindStringSubmatch(location); {
	case len(location) > maxArtifactLocation:
		return errs.Field(field, "has %d bytes: at most %d are allowed", len(location), maxArtifactLocation)
	case inStore(location):
		return nil
	case scheme == nil || !clientStores[scheme[1]]:
		return errs.Field(field, "%.80q is outside this server's store: leave it out, or name a place below %s/ or in a store that clients reach "+
			"by themselves, such as s3://BUCKET/PREFIX", location, proxyScheme)
	}
	for _, part := range strings.Split(location, "/") {
		if part == ".." || part == "." {
			return errs.Field(field, "%.80q holds %q", location, part)
		}
	}
	if strings.ContainsAny(location, "\\%?#") || strings.ContainsFunc(location, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return errs.Field(field, `%.80q holds one of \ %% ? #, or a control character`, location)
	}
	if u, err := url.Parse(location); err == nil && u.User != nil {
		if _, secret := u.User.Password(); secret {
			return errs.Field(field, "holds a password: clients have credentials of their own")
		}
	}
	return CheckText(field, location)
}

// inStore tells whether a location names a place below the server's own store, in the one way to write it.
func inStore(location string) bool {
	below, ok := strings.CutPrefix(location, proxyScheme+"/")
	return ok && below != "" && path.Clean("/"+below) == "/"+below && !strings.ContainsAny(below, "\\%?#") && CheckText("", below) == nil
}

// below names a place in the artifact location of an experiment.
func below(location, place string) string { return strings.TrimRight(location, "/") + "/" + place }
