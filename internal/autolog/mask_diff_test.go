package autolog

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMaskHidesWhatIsAssignedInADiff(t *testing.T) {
	t.Parallel()
	m := newMasker([]string{"API_KEY=sk-live-123456"}, nil)
	source := "diff --git a/helper.py b/helper.py\n"
	for line, want := range map[string]string{
		`+PASSWORD="sup3rs3cretvalue"`:                   `+PASSWORD="***"`,
		`-    api_key: str = 'abc'  # mine`:              `-    api_key: str = '***'  # mine`,
		`+login(user="me", password="p\"w", lr=0.1)`:     `+login(user="me", password="***", lr=0.1)`,
		`+    "client_secret": "x1", "name": "y1",`:      `+    "client_secret": "***", "name": "y1",`,
		`+os.environ["HF_TOKEN"] = "hf_1"`:               `+os.environ["HF_TOKEN"] = "***"`,
		`+token = f"""abc"""`:                            `+token = f"""***"""`,
		`+token: str | None = "t-1"`:                     `+token: str | None = "***"`,
		`+key = read("sk-live-123456")`:                  `+key = read("***")`,
		`+token = os.environ["HF_TOKEN"]`:                `+token = os.environ["HF_TOKEN"]`,
		`+def login(password: str, token=None):`:         `+def login(password: str, token=None):`,
		`+tokenizer = "bert"; max_tokens = 5; pwd = ""`:  `+tokenizer = "bert"; max_tokens = 5; pwd = ""`,
		`+password = ask()`:                              `+password = ask()`,
		` print("password=hunter2plain and more")`:       ` print("password=*** and more")`,
		` x = "token: ghp_ABCDEFGHIJKLMNOPQRSTUVWXYZ01"`: ` x = "token: ***"`,
		` s3 = client(AKIAIOSFODNN7EXAMPLE)`:             ` s3 = client(***)`,
		`-h = {"Authorization": "Bearer abc.def.ghi1"}`:  `-h = {"Authorization": "Bearer ***"}`,
		`+h = {"Authorization": f"Bearer {token}"}`:      `+h = {"Authorization": f"Bearer {token}"}`,
		`+print(f"password={pw} token: {t1}")`:           `+print(f"password={pw} token: {t1}")`,
		` log("wrong password: retry"); api_key = key1`:  ` log("wrong password: retry"); api_key = key1`,
	} {
		require.Equal(t, source+want+"\n", m.diff(source+line+"\n"))
	}
	for _, file := range []string{"conf/app.yaml", ".env", ".env.local"} {
		settings := "diff --git a/" + file + " b/" + file + "\n"
		require.Equal(t, settings+"+DB_PASSWORD=***\n+  password: *** # x\n+user: me\n+export API_TOKEN=***\n",
			m.diff(settings+"+DB_PASSWORD=hunter2\n+  password: hunter2 # x\n+user: me\n+export API_TOKEN=t1\n"))
	}
}
