# PyICU has no types of its own. These are the parts that Consilium calls.
ICU_VERSION: str

class Locale:
    @staticmethod
    def forLanguageTag(tag: str) -> Locale: ...

class Collator:
    @staticmethod
    def createInstance(locale: Locale) -> Collator: ...
    def getSortKey(self, text: str) -> bytes: ...
