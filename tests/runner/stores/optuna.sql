BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('v3.2.0.a');
CREATE TABLE studies (
	study_id INTEGER NOT NULL, 
	study_name VARCHAR(512) NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO "studies" VALUES(1,'decay_rate-a117b395');
INSERT INTO "studies" VALUES(2,'optuna-c6b95c3f');
CREATE TABLE study_directions (
	study_direction_id INTEGER NOT NULL, 
	direction VARCHAR(8) NOT NULL, 
	study_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	PRIMARY KEY (study_direction_id), 
	UNIQUE (study_id, objective), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_directions" VALUES(1,'MINIMIZE',1,0);
INSERT INTO "study_directions" VALUES(2,'MINIMIZE',2,0);
CREATE TABLE study_system_attributes (
	study_system_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_system_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_system_attributes" VALUES(1,1,'study:metric_names','["val/loss"]');
INSERT INTO "study_system_attributes" VALUES(2,2,'study:metric_names','["val/loss"]');
CREATE TABLE study_user_attributes (
	study_user_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_user_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_user_attributes" VALUES(1,1,'definition','"{\"base\": {\"clipping\": {\"_target_\": \"runner.clipping.Unclipped\", \"max_norm_schedule\": null}, \"dataset\": {\"_target_\": \"runner.datasets.none\"}, \"lr\": 0.001, \"model\": {\"_target_\": \"runner.models.Quadratic\", \"w\": 5.0, \"weights\": null, \"weights_except\": []}, \"optimizer\": {\"_target_\": \"torch.optim.SGD\", \"groups\": [], \"layer_decay\": null, \"momentum\": 0.0, \"momentum_schedule\": null, \"nesterov\": false, \"weight_decay\": 0.0, \"weight_decay_schedule\": null}, \"precision\": \"float32\", \"schedule\": {\"_target_\": \"schedules.Exponential\", \"after\": \"continue\", \"decay_rate\": 0.9, \"decay_steps\": \"1ep\", \"end_steps\": null, \"floor\": 0.0, \"form\": \"base\", \"lr\": 0.001, \"staircase\": false, \"start\": null}, \"seed\": 0, \"train\": {\"batch_size\": 128, \"epochs\": null, \"eval_every\": \"1ep\", \"keep\": \"last\", \"steps\": 4}, \"warmup\": {\"_target_\": null}}, \"baseline\": true, \"config_dir\": null, \"confirm_seeds\": 0, \"experiment\": \"decay_rate-a117b395\", \"goals\": [{\"direction\": \"minimize\", \"last_k\": 1, \"metric\": \"val/loss\", \"of\": \"best\"}], \"heartbeat_seconds\": 30.0, \"max_failures\": 5, \"overrides\": [\"study=decay_rate\", \"study.trials=3\", \"study.confirm_seeds=0\", \"study.storage=sqlite:///optuna.db\", \"model=quadratic\", \"dataset=none\", \"optimizer=sgd\", \"train.steps=4\", \"tracking=off\", \"threads=1\"], \"preset\": \"decay_rate\", \"pruner\": {\"_target_\": null}, \"sampler\": {\"_target_\": \"optuna.samplers.TPESampler\", \"constant_liar\": true, \"group\": true, \"multivariate\": true, \"n_ei_candidates\": 24, \"n_startup_trials\": 10}, \"seed\": 0, \"seeds\": 1, \"space\": {\"entries\": [{\"key\": \"lr\", \"spec\": \"tag(log, interval(0.0001, 0.1))\"}, {\"key\": \"schedule.decay_rate\", \"spec\": \"interval(0.5, 0.99)\"}], \"groups\": []}, \"threads\": 1, \"tracking\": false, \"tracking_uri\": null, \"trials\": 3}"');
INSERT INTO "study_user_attributes" VALUES(2,1,'forgiven','0');
INSERT INTO "study_user_attributes" VALUES(3,1,'summary','{"said": "f3e544face0e62a52b67e32593e9abc4ace5ea358458ae5cc75585a48abc1ee5", "link": null}');
INSERT INTO "study_user_attributes" VALUES(4,2,'definition','"{\"base\": {\"clipping\": {\"_target_\": \"runner.clipping.Unclipped\", \"max_norm_schedule\": null}, \"dataset\": {\"_target_\": \"runner.datasets.none\"}, \"lr\": 0.001, \"model\": {\"_target_\": \"runner.models.Quadratic\", \"w\": 5.0, \"weights\": null, \"weights_except\": []}, \"optimizer\": {\"_target_\": \"torch.optim.SGD\", \"groups\": [], \"layer_decay\": null, \"momentum\": 0.0, \"momentum_schedule\": null, \"nesterov\": false, \"weight_decay\": 0.0, \"weight_decay_schedule\": null}, \"precision\": \"float32\", \"schedule\": {\"_target_\": \"schedules.Exponential\", \"after\": \"continue\", \"decay_rate\": 0.9, \"decay_steps\": \"1ep\", \"end_steps\": null, \"floor\": 0.0, \"form\": \"base\", \"lr\": 0.001, \"staircase\": false, \"start\": null}, \"seed\": 0, \"train\": {\"batch_size\": 128, \"epochs\": null, \"eval_every\": \"1ep\", \"keep\": \"last\", \"steps\": 4}, \"warmup\": {\"_target_\": null}}, \"baseline\": true, \"config_dir\": null, \"confirm_seeds\": 0, \"experiment\": \"optuna-c6b95c3f\", \"goals\": [{\"direction\": \"minimize\", \"last_k\": 1, \"metric\": \"val/loss\", \"of\": \"best\"}], \"heartbeat_seconds\": 30.0, \"max_failures\": 5, \"overrides\": [\"study/sampler=grid\", \"study/pruner=patient\", \"study.confirm_seeds=0\", \"study.storage=sqlite:///optuna.db\", \"model=quadratic\", \"dataset=none\", \"optimizer=sgd\", \"train.steps=4\", \"tracking=off\", \"threads=1\"], \"preset\": \"optuna\", \"pruner\": {\"_target_\": \"runner.study.patience.Patient\", \"min_delta\": 0.0, \"patience\": 3, \"wrapped_pruner\": null}, \"sampler\": {\"_target_\": \"runner.study.samplers.Grid\"}, \"seed\": 0, \"seeds\": 1, \"space\": {\"entries\": [{\"key\": \"lr\", \"spec\": \"choice(0.1, 0.2, 0.3)\"}], \"groups\": []}, \"threads\": 1, \"tracking\": false, \"tracking_uri\": null, \"trials\": 4}"');
INSERT INTO "study_user_attributes" VALUES(5,2,'forgiven','0');
CREATE TABLE trial_heartbeats (
	trial_heartbeat_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	PRIMARY KEY (trial_heartbeat_id), 
	UNIQUE (trial_id), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_intermediate_values (
	trial_intermediate_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	intermediate_value FLOAT, 
	intermediate_value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_intermediate_value_id), 
	UNIQUE (trial_id, step), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_intermediate_values" VALUES(1,1,25,3.58561439514160156254e+01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(2,1,50,3.5727176666259765625e+01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(3,1,75,3.5611515045166015625e+01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(4,1,100,3.55077438354492187495e+01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(5,2,25,2.50264434814453124995e+01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(6,2,50,1.9707271575927734375e+01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(7,2,75,1.6815031051635742187e+01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(8,2,100,1.51218242645263671879e+01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(9,3,25,3.52982673645019531241e+01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(10,3,50,3.492778778076171875e+01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(11,3,75,3.47306098937988281258e+01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(12,3,100,3.46252098083496093758e+01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(13,4,25,3.58561439514160156254e+01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(14,4,50,3.5727176666259765625e+01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(15,4,75,3.5611515045166015625e+01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(16,4,100,3.55077438354492187495e+01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(17,5,25,2.30400009155273437504e+01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(18,5,50,1.54920949935913085937e+01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(19,5,75,1.08792314529418945314e+01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(20,5,100,7.93811321258544921875e+00,'FINITE');
CREATE TABLE trial_params (
	param_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	param_name VARCHAR(512), 
	param_value FLOAT, 
	distribution_json TEXT, 
	PRIMARY KEY (param_id), 
	UNIQUE (trial_id, param_name), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_params" VALUES(1,1,'lr',0.001,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0001, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(2,1,'schedule.decay_rate',0.9,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.5, "high": 0.99, "log": false}}');
INSERT INTO "trial_params" VALUES(3,2,'lr',8.31130369212817604607e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0001, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(4,2,'schedule.decay_rate',6.77461375014587252607e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.5, "high": 0.99, "log": false}}');
INSERT INTO "trial_params" VALUES(5,3,'lr',4.89713531663473096433e-03,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0001, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(6,3,'schedule.decay_rate',5.37220616903609116121e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.5, "high": 0.99, "log": false}}');
INSERT INTO "trial_params" VALUES(7,5,'lr',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["0.1", "0.2", "0.3"]}}');
CREATE TABLE trial_system_attributes (
	trial_system_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_system_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_system_attributes" VALUES(1,1,'fixed_params','{"lr": 0.001, "schedule.decay_rate": 0.9}');
INSERT INTO "trial_system_attributes" VALUES(2,2,'fixed_params','{}');
INSERT INTO "trial_system_attributes" VALUES(3,3,'fixed_params','{}');
INSERT INTO "trial_system_attributes" VALUES(4,4,'fixed_params','{}');
INSERT INTO "trial_system_attributes" VALUES(5,5,'fixed_params','{"lr": "0.1"}');
INSERT INTO "trial_system_attributes" VALUES(6,6,'fixed_params','{"lr": "0.2"}');
INSERT INTO "trial_system_attributes" VALUES(7,7,'fixed_params','{"lr": "0.3"}');
CREATE TABLE trial_user_attributes (
	trial_user_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_user_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_user_attributes" VALUES(1,1,'baseline','true');
INSERT INTO "trial_user_attributes" VALUES(2,1,'worker','{"place": "elsewhere", "pid": 9495, "began": "163397", "beat": 1795856441.229067}');
INSERT INTO "trial_user_attributes" VALUES(3,1,'values','{"lr": 0.001, "schedule.decay_rate": 0.9}');
INSERT INTO "trial_user_attributes" VALUES(4,1,'identity','"21bf8e3144a602297c96e89ef43e841dd09bdddbd7bfa99db682103a1e7b8b47"');
INSERT INTO "trial_user_attributes" VALUES(5,1,'outcome','{"per_seed": [[35.50774383544922]], "seconds": 0.04620716199997332, "run_ids": [], "test": [{}]}');
INSERT INTO "trial_user_attributes" VALUES(6,2,'worker','{"place": "elsewhere", "pid": 9495, "began": "163397", "beat": 1795856441.3931038}');
INSERT INTO "trial_user_attributes" VALUES(7,2,'values','{"lr": 0.08311303692128176, "schedule.decay_rate": 0.6774613750145873}');
INSERT INTO "trial_user_attributes" VALUES(8,2,'identity','"a201c2630deda3ec3db771292a23574b7bb0a3c0d41a9d858a8127014e5113d8"');
INSERT INTO "trial_user_attributes" VALUES(9,2,'outcome','{"per_seed": [[15.121824264526367]], "seconds": 0.029205998999941585, "run_ids": [], "test": [{}]}');
INSERT INTO "trial_user_attributes" VALUES(10,3,'worker','{"place": "elsewhere", "pid": 9495, "began": "163397", "beat": 1795856441.5442343}');
INSERT INTO "trial_user_attributes" VALUES(11,3,'values','{"lr": 0.004897135316634731, "schedule.decay_rate": 0.5372206169036091}');
INSERT INTO "trial_user_attributes" VALUES(12,3,'identity','"cc0e1aad999d73185764363e20776a81fd17a8fe447c0083e2579a80b71c1aa2"');
INSERT INTO "trial_user_attributes" VALUES(13,3,'outcome','{"per_seed": [[34.62520980834961]], "seconds": 0.018530591000171626, "run_ids": [], "test": [{}]}');
INSERT INTO "trial_user_attributes" VALUES(14,4,'baseline','true');
INSERT INTO "trial_user_attributes" VALUES(15,4,'fixed','{"lr": 0.001}');
INSERT INTO "trial_user_attributes" VALUES(16,5,'cell','{"lr": 0.1}');
INSERT INTO "trial_user_attributes" VALUES(17,6,'cell','{"lr": 0.2}');
INSERT INTO "trial_user_attributes" VALUES(18,7,'cell','{"lr": 0.3}');
INSERT INTO "trial_user_attributes" VALUES(19,4,'worker','{"place": "elsewhere", "pid": 9544, "began": "164954", "beat": 1795856452.9432864}');
INSERT INTO "trial_user_attributes" VALUES(20,4,'values','{"lr": 0.001}');
INSERT INTO "trial_user_attributes" VALUES(21,4,'identity','"21bf8e3144a602297c96e89ef43e841dd09bdddbd7bfa99db682103a1e7b8b47"');
INSERT INTO "trial_user_attributes" VALUES(22,4,'outcome','{"per_seed": [[35.50774383544922]], "seconds": 0.021099673999970037, "run_ids": [], "test": [{}]}');
INSERT INTO "trial_user_attributes" VALUES(23,5,'worker','{"place": "elsewhere", "pid": 9544, "began": "164954", "beat": 1795856453.0296407}');
INSERT INTO "trial_user_attributes" VALUES(24,5,'values','{"lr": 0.1}');
INSERT INTO "trial_user_attributes" VALUES(25,5,'identity','"8bbabdf93b2132c5c76fe08d4f8f3c5c5f9b2aafb5445ee290edc5c7a287df96"');
INSERT INTO "trial_user_attributes" VALUES(26,5,'outcome','{"per_seed": [[7.938113212585449]], "seconds": 0.015012078999916412, "run_ids": [], "test": [{}]}');
INSERT INTO "trial_user_attributes" VALUES(27,6,'worker','{"place": "elsewhere", "pid": 9544, "began": "164954", "beat": 1795856453.1304471}');
CREATE TABLE trial_values (
	trial_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	value FLOAT, 
	value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_value_id), 
	UNIQUE (trial_id, objective), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_values" VALUES(1,1,0,3.55077438354492187495e+01,'FINITE');
INSERT INTO "trial_values" VALUES(2,2,0,1.51218242645263671879e+01,'FINITE');
INSERT INTO "trial_values" VALUES(3,3,0,3.46252098083496093758e+01,'FINITE');
INSERT INTO "trial_values" VALUES(4,4,0,3.55077438354492187495e+01,'FINITE');
INSERT INTO "trial_values" VALUES(5,5,0,7.93811321258544921875e+00,'FINITE');
CREATE TABLE trials (
	trial_id INTEGER NOT NULL, 
	number INTEGER, 
	study_id INTEGER, 
	state VARCHAR(8) NOT NULL, 
	datetime_start DATETIME, 
	datetime_complete DATETIME, 
	PRIMARY KEY (trial_id), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "trials" VALUES(1,0,1,'COMPLETE','2026-11-28 09:00:41.202890','2026-11-28 09:00:41.352291');
INSERT INTO "trials" VALUES(2,1,1,'COMPLETE','2026-11-28 09:00:41.372044','2026-11-28 09:00:41.508059');
INSERT INTO "trials" VALUES(3,2,1,'COMPLETE','2026-11-28 09:00:41.524707','2026-11-28 09:00:41.629663');
INSERT INTO "trials" VALUES(4,0,2,'COMPLETE','2026-11-28 09:00:52.903712','2026-11-28 09:00:53.004240');
INSERT INTO "trials" VALUES(5,1,2,'COMPLETE','2026-11-28 09:00:53.017014','2026-11-28 09:00:53.105926');
INSERT INTO "trials" VALUES(6,2,2,'RUNNING','2026-11-28 09:00:53.116277',NULL);
INSERT INTO "trials" VALUES(7,3,2,'WAITING',NULL,NULL);
CREATE TABLE version_info (
	version_info_id INTEGER NOT NULL, 
	schema_version INTEGER, 
	library_version VARCHAR(256), 
	PRIMARY KEY (version_info_id), 
	CHECK (version_info_id=1)
);
INSERT INTO "version_info" VALUES(1,12,'5.0.0');
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE INDEX ix_trials_study_id ON trials (study_id);
COMMIT;
