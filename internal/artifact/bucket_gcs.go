//go:build gcs

package artifact

import _ "gocloud.dev/blob/gcsblob" // gs://
