from tests.architectures.building import Case
M="AutoModelForMaskedLM"
CASES=(
 Case("gpt2",{"n_inner":40}),
 Case("gpt_neox",{}), Case("gpt_neox",{"use_parallel_residual":False},label="serial"), Case("gptj",{"rotary_dim":4}), Case("falcon",{"alibi":False,"new_decoder_architecture":False}),
 Case("falcon",{"new_decoder_architecture":True,"num_kv_heads":2},label="new"), Case("bloom",{}), Case("opt",{"ffn_dim":40,"word_embed_proj_dim":24}), Case("mpt",{"d_model":24,"n_heads":4,"n_layers":2}),
 Case("gpt_bigcode",{"n_inner":40}), Case("codegen",{"rotary_dim":4,"n_ctx":64}), Case("phi",{}), Case("cohere",{}), Case("gpt_neo",{"attention_types":[[["global","local"],1]],"window_size":4}), Case("stablelm",{}), Case("persimmon",{}), Case("glm",{"head_dim":6}), Case("glm4",{"head_dim":6}), Case("gemma",{"head_dim":8}),
 Case("ctrl",{"n_embd":24,"dff":40,"n_layer":2,"n_head":4}), Case("openai-gpt",{}),
 Case("bert",{},M), Case("roberta",{},M), Case("distilbert",{"dim":24,"n_heads":4,"n_layers":2,"hidden_dim":40},M), Case("electra",{"embedding_size":24},M), Case("modernbert",{"cls_token_id":0,"sep_token_id":0},M), Case("xlm-roberta-xl",{},M), Case("roberta-prelayernorm",{},M), Case("megatron-bert",{},M), Case("mpnet",{},M), Case("albert",{},M),Case("bert",{},"BertForSequenceClassification","seq"),Case("bert",{},"BertForTokenClassification","tok"),
)
