import warnings

warnings.simplefilter("ignore")
from fastai.tabular.all import *  # noqa: E402, F403

set_seed(3)
rng = np.random.default_rng(3)
frame = pd.DataFrame({"a": rng.normal(size=64), "b": rng.normal(size=64), "c": rng.choice(["x", "y"], 64)})
frame["target"] = (frame.a > 0).map({True: "yes", False: "no"})
dls = TabularDataLoaders.from_df(
    frame, procs=[Categorify, Normalize], cat_names=["c"], cont_names=["a", "b"], y_names="target", y_block=CategoryBlock(),
    valid_idx=list(range(48, 64)), bs=16, device="cpu",
)  # fmt: skip
learn = tabular_learner(dls, layers=[8], n_out=2, metrics=accuracy)
with learn.no_bar(), learn.no_logging():
    learn.fit_one_cycle(2, 0.01, cbs=SaveModelCallback())
    learn.validate()
