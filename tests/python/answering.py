"""A scorer whose judgements are made by a function of the test, in threads, with all the rest as it is."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from crucible.integrations import KernelScorer, Sample


class AnsweringScorer(KernelScorer):
    """`evaluate(task, source, seed)` gives the sample, or raises what an evaluation would."""

    def evaluate(self, task: str, source: str, seed: int) -> Sample:
        raise NotImplementedError

    def _judge(self, task: str, source: str, seed: int) -> Future[Sample]:
        if not hasattr(self, "threads"):
            self.threads = ThreadPoolExecutor(32)
        return self.threads.submit(self.evaluate, task, source, seed)

    def close(self) -> None:
        super().close()
        if hasattr(self, "threads"):
            self.threads.shutdown()
