"""Two jobs at a time as the joblib launcher's default, instead of one per core."""

from hydra.core.config_store import ConfigStore
from hydra_plugins.hydra_joblib_launcher.config import JobLibLauncherConf

ConfigStore.instance().store(
    group="hydra/launcher", name="joblib", node=JobLibLauncherConf(n_jobs=2), provider="runner"
)
