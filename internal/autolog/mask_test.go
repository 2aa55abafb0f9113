package autolog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSecretNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY", "apiKey", "GITHUB_TOKEN", "token", "DB_PASSWORD", "password", "--password",
		"client-secret", "SECRET", "MY_SECRET_VALUE", "PGPASSWORD", "hf_token", "passwd", "authToken", "--api-key", "accesskey",
		"AZURE_CREDENTIALS", "private_key", "DB_PASS", "PASS", "smtp_pass", "dbpass",
	} {
		require.True(t, isSecretName(name), name)
	}
	for _, name := range []string{
		"tokenizer", "n_tokens", "max_tokens", "MONKEY", "key", "sort_key", "PATH", "n_estimators", "keyboard", "secretary_problem",
		"compass", "pass", "first_pass", "bypass", "COMPASS", "max_token", "pad_token", "hotkey",
	} {
		require.False(t, isSecretName(name), name)
	}
}

func TestMaskHidesSecretsWhereverTheyAppear(t *testing.T) {
	t.Parallel()
	m := newMasker([]string{
		"HOME=/home/me", "API_KEY=sk-live-123456", "SHORT_TOKEN=abc", "DATABASE_URL=postgres://u:hunter22@db/x",
		"PEM_PRIVATE_KEY=-----BEGIN-----\nMIIEvQIBADAN\n-----END-----", "SSH_KEY=/home/me/.ssh/id", "LONGER_SECRET=sk-live-123456-and-more",
	}, []string{"train.py", "--password", "swordfish", "--token=tok-98765", "--lr", "0.1"})
	for text, want := range map[string]string{
		"using sk-live-123456 now":                        "using *** now",
		"using sk-live-123456-and-more":                   "using ***",
		"abc is too short to be told from other text":     "abc is too short to be told from other text",
		"connect postgres://u:hunter22@db/x":              "connect postgres://u:***@db/x",
		"git+https://me:other-pass@host/repo is a secret": "git+https://me:***@host/repo is a secret",
		"MIIEvQIBADAN":            "***",
		"/home/me/.ssh/id":        "/home/me/.ssh/id",
		"swordfish and tok-98765": "*** and ***",
		"lr 0.1":                  "lr 0.1",
		// Not of this environment, but like secrets.
		"password=hunter2plain":                                           "password=***",
		"login(user='me', password='p4ss', lr=1)":                         "login(user='me', password='***', lr=1)",
		"password: correcthorse":                                          "password: ***",
		"token: ghp_ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789":                 "token: ***",
		"access_token=ab12cd34ef, next":                                   "access_token=***, next",
		"Authorization: Bearer abc.def.ghi-0123456789":                    "Authorization: Bearer ***",
		"{'Authorization': 'Basic dXNlcjpwYXNz'}":                         "{'Authorization': 'Basic ***'}",
		`{"api_key": "jsonsecret123", "n": 3}`:                            `{"api_key": "***", "n": 3}`,
		`"{\"client_secret\": \"jsonsecret\"}"`:                           `"{\"client_secret\": \"***\"}"`,
		"X-Api-Key: a1b2c3d4":                                             "X-Api-Key: ***",
		"DB_PASS=qwe123rty":                                               "DB_PASS=***",
		"using AKIAIOSFODNN7EXAMPLE.":                                     "using ***.",
		"xoxb-123456789012-abcdef and sk-proj-abc1DEFghiJKLmnoPQRstu":     "*** and ***",
		"hf_abcdefghijklmnopqrstuvwxyz github_pat_11ABCDEFG0123456789_ab": "*** ***",
		"jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl end":       "jwt *** end",
		"https://host/x?access_token=a1b2c3d4e5&page=2":                   "https://host/x?access_token=***&page=2",
	} {
		require.Equal(t, want, m.text(text))
	}
	for _, text := range []string{
		"tokens: 1234", "token_count=5", "loss: 0.3", "max_tokens=512", "epoch 1: loss=0.25, tokens/s: 10234.5", "token: 1234", "token=17",
		"pad_token=<pad>, eos_token: </s>", `{"token": "hello", "score": 0.98}`, "token: hello", "next_token=the", "label_key=target",
		"sort_key: 12", "key=value1", "password=None", "token: null", "wrong password: try it again", "PWD=/home/ann/work", "password={pw}",
		"password: ********", "token=$HF_TOKEN", "Authorization: required", "token = os.environ['HF_TOKEN']", "password = ask()",
		"    password = self.password", "token_embedding.weight: torch.Size([50257, 768])", "tokenizer=bert-base-uncased2", "task-1: sk-learn-contrib",
		"hf_hub_download(repo)", "pass=3 forward_pass: 0.25 second_pass=linear", "pass: done", "random_state=42 secret_santa=3", "keys: ['a1', 'b2']", "monkey=banana1", "12:30:45 INFO token budget: 4096",
	} {
		require.Equal(t, text, m.text(text))
	}
	require.Equal(t, []string{"train.py", "--password", "***", "--token=***", "--lr", "0.1", "-p", "x"},
		m.argv([]string{"train.py", "--password", "pw", "--token=1", "--lr", "0.1", "-p", "x"}))
	require.Equal(t, []string{"curl", "-H", "Authorization: Bearer ***", `{"api_key": "***"}`},
		m.argv([]string{"curl", "-H", "Authorization: Bearer abc.def.ghi1", `{"api_key": "jsonsecret123"}`}))
	require.Equal(t, []string{"--api-key", "--lr", "0.1"}, m.argv([]string{"--api-key", "--lr", "0.1"}))
	require.Equal(t, masked, m.value("api_key", "abc12345"))
	require.Equal(t, "None", m.value("secret", "None"), "says only that there is none")
	require.Equal(t, "0.1", m.value("lr", "0.1"))
}

// BenchmarkMaskOutput masks a training's log as the recorder hands it on.
func BenchmarkMaskOutput(b *testing.B) {
	m := newMasker([]string{"API_KEY=sk-live-123456"}, nil)
	var log strings.Builder
	for i := 0; log.Len() < 10<<20; i++ {
		fmt.Fprintf(&log, "2026-11-25 18:00:%02d,123 INFO train: epoch=%d step=%d loss: %.5f lr=1e-3 tokens/s: %d max_tokens=512 [00:0%d<01:00]\n",
			i%60, i/1000, i, 1/float64(i+1), 10000+i%977, i%10)
	}
	text := log.String()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		for rest := text; rest != ""; {
			n := min(maxChunk, len(rest))
			m.text(rest[:n])
			rest = rest[n:]
		}
	}
}
