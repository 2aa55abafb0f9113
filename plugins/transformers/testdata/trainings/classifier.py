import warnings

warnings.simplefilter("ignore")
import torch  # noqa: E402
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments  # noqa: E402

torch.manual_seed(3)
config = BertConfig(
    vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, max_position_embeddings=8
)
rows = [{"input_ids": torch.randint(0, 20, (6,)), "labels": torch.tensor(at % 2)} for at in range(16)]
trainer = Trainer(
    BertForSequenceClassification(config),
    TrainingArguments(
        "out", num_train_epochs=2, per_device_train_batch_size=8, logging_steps=2, eval_strategy="epoch", save_strategy="epoch",
        load_best_model_at_end=True, report_to="none", use_cpu=True, disable_tqdm=True, seed=3,
    ),
    train_dataset=rows, eval_dataset=rows[:8],
)  # fmt: skip
trainer.train()
trainer.predict(rows[:4])
