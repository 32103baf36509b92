"""The miniclinic as models of inspect's: ``miniclinic/judge`` answers judges' questions exactly, ``miniclinic/patient``
speaks for a case's patient. Both read a question's data (`asking.PAYLOAD`), not its prose.

Invariant: what they are asked that is not of this world gets an answer that cannot be read, and stays unscored.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from inspect_ai.model import ChatMessage, GenerateConfig, ModelAPI, ModelOutput, ModelUsage, modelapi
from inspect_ai.tool import ToolChoice, ToolInfo

from training.evaluation.asking import payload_of
from training.evaluation.consultations import miniclinic as consultations
from training.evaluation.consultations import miniclinic_patient
from training.evaluation.healthbench import miniclinic as healthbench
from training.evaluation.mlb import miniclinic as mlb
from training.miniclinic.knowledge import Knowledge, load_knowledge

Answers = Callable[[Knowledge, Mapping[str, Any]], str | None]
ROLES: Final[Mapping[str, tuple[Answers, ...]]] = {
    "judge": (healthbench.judged, mlb.judged, consultations.judged),
    "patient": (miniclinic_patient.patient,),
}
NOT_OF_THIS_WORLD = "This is not of the miniclinic."


class MiniclinicAPI(ModelAPI):
    """``miniclinic/judge`` or ``miniclinic/patient``. Costs no token and no time worth counting."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
    ) -> None:
        super().__init__(model_name, base_url, api_key, config=config or GenerateConfig())
        self._answers = ROLES[model_name]
        self._knowledge = load_knowledge()

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        """Answer the question that the last message carries as data."""
        payload = payload_of(input)
        texts = (answer(self._knowledge, payload) for answer in self._answers) if payload else iter(())
        text = next((text for text in texts if text is not None), NOT_OF_THIS_WORLD)
        output = ModelOutput.from_content(self.model_name, text)
        output.usage = ModelUsage()
        return output

    def max_connections(self) -> int:
        """Nothing waits for anything here."""
        return 64


@modelapi(name="miniclinic")
def miniclinic() -> type[ModelAPI]:
    """Make the class known to inspect."""
    return MiniclinicAPI
