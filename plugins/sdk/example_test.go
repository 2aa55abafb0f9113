package sdk_test

import (
	"fmt"
	"time"

	"github.com/cairnml/cairn/plugins/sdk"
)

// lightning is a whole adapter for an imaginary framework.
type lightning struct{}

func (lightning) Describe() sdk.Description {
	return sdk.Description{
		Name: "lightning", Version: "0.1.0", Modules: []string{"lightning.core"}, Distribution: "lightning",
		FrameworkRange: ">=2.0,<3",
		Hook: []byte(`
def install(cairn):
    import lightning.core as core
    fit = core.Trainer.fit
    def traced(self, *args, **kwargs):
        name = cairn.new_fit()
        cairn.emit("fit.start", fit=name, payload={"epochs": self.epochs})
        return fit(self, *args, **kwargs)
    core.Trainer.fit = traced
`),
	}
}

func (lightning) NewSession(sdk.SessionInfo) sdk.Session { return &lightningSession{} }

type lightningSession struct{ fits int }

func (s *lightningSession) Observe(o sdk.Observation) ([]sdk.Record, error) {
	if o.Kind != "fit.start" {
		return nil, nil
	}
	var payload struct {
		Epochs int `json:"epochs"`
	}
	if err := o.Decode(&payload); err != nil {
		return nil, err
	}
	s.fits++
	return []sdk.Record{sdk.Param{Key: "epochs", Value: fmt.Sprint(payload.Epochs)}}, nil
}

func (s *lightningSession) Close() ([]sdk.Record, error) {
	return []sdk.Record{sdk.Tag{Key: "lightning.fits", Value: fmt.Sprint(s.fits)}}, nil
}

// An adapter's main function is sdk.Serve(lightning{}).
func Example() {
	session := lightning{}.NewSession(sdk.SessionInfo{})
	records, err := session.Observe(sdk.Observation{
		Sequence: 1, Kind: "fit.start", Time: time.UnixMilli(0), Fit: "f1", Payload: []byte(`{"epochs": 3}`),
	})
	fmt.Println(records, err)
	// Output: [{ epochs 3}] <nil>
}
