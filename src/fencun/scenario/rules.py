"""What the gates of a scenario refuse, as data."""

from collections.abc import Mapping

from pydantic import Field

from fencun.scenario.declared import Declared, Patterns, Word


class Case(Declared):
    """What a text must not or must say where the brief has these values.

    ``when`` maps dimensions to one value or to several of which one holds; empty is always.
    ``refuse`` are regular expressions that must not stand in the text, ``require`` such that must,
    each of them; ``no_amounts`` refuses sums, shares and discounts that the brief does not tell,
    in figures of either script. ``why`` is told with the fault.
    """

    when: dict[str, Word | tuple[Word, ...]] = Field(
        default={},
        description="哪些需求：维度名: 值或几个值；不写就是全部"
        "|which briefs: dimension to a value or several; empty is all",
    )
    refuse: Patterns = Field(
        default=(), description="正则：不能说的|regular expressions that must not stand there"
    )
    require: Patterns = Field(
        default=(), description="正则：每一条都要说到|regular expressions, each of which must"
    )
    no_amounts: bool = Field(
        default=False,
        description="需求里没有的钱数、折扣、比例不能说"
        "|refuse sums, discounts and shares that the brief does not tell",
    )
    why: str = Field(default="", description="给人看的理由|why, told with the fault")
    why_en: str = Field(default="", description="理由的英文|why, in English")

    def holds(self, values: Mapping[str, str]) -> bool:
        """Return whether a brief with these canonical ``values`` is such a case."""
        return all(values.get(name) in self.wanted(name) for name in self.when)

    def wanted(self, name: str) -> tuple[str, ...]:
        """Return the values of dimension ``name`` for which this holds."""
        values = self.when[name]
        return (values,) if isinstance(values, str) else values


class Rules(Declared):
    """What the gates of this scenario refuse, as data.

    ``openings``, ``cliches``, ``endings``, ``stiff`` (doubted, not refused) and ``favours`` are
    regular expressions; ``flat`` (words that say nothing, refused when many meet), ``idioms``,
    ``places`` and ``matters`` (grave things that no text brings up by itself) plain words;
    ``letter`` allows what a letter has: title, signature, paragraphs. ``insults`` are regular
    expressions too, ``cases`` what holds for some briefs only.
    """

    openings: Patterns = Field(
        default=(), description="正则：套话开场|regular expressions: stock openings"
    )
    cliches: Patterns = Field(default=(), description="正则：套话|regular expressions: clichés")
    idioms: tuple[Word, ...] = Field(
        default=(), description="连着用就成套话的四字词|set phrases that must not come in rows"
    )
    endings: Patterns = Field(
        default=(), description="正则：套话结尾|regular expressions: stock endings"
    )
    stiff: Patterns = Field(
        default=(), description="正则：不像当面说的，只提醒|regular expressions: stiff (a doubt)"
    )
    flat: tuple[Word, ...] = Field(
        default=(), description="空词，几个凑在一起就算套话|empty words, refused when three meet"
    )
    max_exclamations: int = Field(
        default=2, ge=0, description="最多几个感叹号|the most exclamation marks"
    )
    max_emoji: int = Field(default=1, ge=0, description="最多几个表情|the most emoji")
    calendar: bool = Field(
        default=False,
        description="核对生肖、干支和农历日子|check zodiac, stems and days of the lunar year",
    )
    letter: bool = Field(
        default=False,
        description="是信：可以有标题、署名、分段|a letter: title, signature, paragraphs",
    )
    favours: Patterns = Field(
        default=(), description="正则：求人、推销的话|regular expressions: asking, selling"
    )
    places: tuple[Word, ...] = Field(
        default=(), description="需求里没有就算编的地名|places, made up unless the brief has them"
    )
    matters: tuple[Word, ...] = Field(
        default=(), description="不能自己提起的大事|grave things that no text brings up by itself"
    )
    insults: Patterns = Field(default=(), description="正则：骂人的话|regular expressions: insults")
    cases: tuple[Case, ...] = Field(
        default=(), description="只对某些需求的规矩|what holds for some briefs only"
    )
