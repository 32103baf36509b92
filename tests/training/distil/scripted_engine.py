"""An engine that answers by a function of the prompt, for tests of what surrounds it."""

from collections.abc import AsyncGenerator, Callable, Mapping

from models.engine import ChatRequest, Completion, Delta, EngineUnavailable, ModelCard, Reply, Usage


class ScriptedEngine:
    """Counts calls and how many were open at once; raises ``EngineUnavailable`` from call ``gone_after`` on."""

    def __init__(self, answer: Callable[[str], str], gone_after: int | None = None, finish: str = "stop") -> None:
        self._answer, self._gone_after, self._finish = answer, gone_after, finish
        self.asked: list[str] = []

    @property
    def model(self) -> str:
        return "scripted"

    async def chat(self, request: ChatRequest) -> Completion:
        if self._gone_after is not None and len(self.asked) >= self._gone_after:
            raise EngineUnavailable("engine cannot be reached")
        prompt = str(request.messages[-1]["content"])
        self.asked.append(prompt)
        return Completion(text=self._answer(prompt), finish_reason=self._finish, usage=Usage())

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        raise NotImplementedError

    async def models(self) -> tuple[ModelCard, ...]:
        return (ModelCard("scripted"),)

    async def ready(self) -> bool:
        return True

    async def forward(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        raise NotImplementedError

    async def aclose(self) -> None:
        return None
