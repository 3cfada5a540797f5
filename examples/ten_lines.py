import gymnasium

env = gymnasium.make("crucible:crucible/rms_norm-v0", backend="cpu")
prompt, info = env.reset(seed=0)  # the task as a model is told it
source = env.unwrapped.task.seed_kernel  # a model's answer goes here; this one is correct and slow
feedback, reward, terminated, truncated, info = env.step(source)
print(feedback)
print(f"{info['verdict']}: reward {reward:.3f}, speedup {info['speedup']:.2f}")
env.close()
