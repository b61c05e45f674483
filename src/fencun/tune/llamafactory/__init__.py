"""The same runs by LLaMA-Factory, for bases that need several GPUs."""
