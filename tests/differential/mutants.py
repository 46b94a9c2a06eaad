"""Host VMs with one fault each, which the judge must see."""

from __future__ import annotations

import copy
import os
import subprocess
import time
from typing import Any

from zexus.vm.vm import VM


class _Faulty(VM):  # type: ignore[misc,unused-ignore]
    """Runs as the host does and then calls ``fault`` with the result, whose answer is returned."""

    def execute(self, code: Any, debug: bool = False) -> Any:
        return self.fault(super().execute(code, debug))

    def fault(self, result: Any) -> Any:
        return result


class MoreGas(_Faulty):
    def fault(self, result: Any) -> Any:
        self.gas_metering.gas_used += 1
        return result


class MoreOperations(_Faulty):
    def fault(self, result: Any) -> Any:
        self.gas_metering.operation_count += 1
        return result


class OtherValue(_Faulty):
    def fault(self, result: Any) -> Any:
        return [result]


class TrueForOne(_Faulty):
    """Equal for Python, not for a reader."""

    def fault(self, result: Any) -> Any:
        self.env.update({name: True for name, value in self.env.items() if value is not None and value == 1})
        return result


class BrokenAlias(_Faulty):
    def fault(self, result: Any) -> Any:
        for name, value in self.env.items():
            if isinstance(value, list):
                self.env[name] = copy.deepcopy(value)
        return result


class ExtraName(_Faulty):
    def fault(self, result: Any) -> Any:
        self.env["__idx_99"] = 0
        return result


class OtherError(_Faulty):
    def execute(self, code: Any, debug: bool = False) -> Any:
        try:
            return super().execute(code, debug)
        except Exception as error:
            raise type(error)(f"{error} ") from error


class ExtraOutput(_Faulty):
    """Writes past ``sys.stdout``, as a process of its own would."""

    def fault(self, result: Any) -> Any:
        os.write(1, b"stray\n")
        return result


class Straggler(_Faulty):
    def fault(self, result: Any) -> Any:
        self.left = subprocess.Popen(["sleep", "30"])
        return result


class Crash(_Faulty):
    def fault(self, result: Any) -> Any:
        os._exit(3)


class Hang(_Faulty):
    def fault(self, result: Any) -> Any:
        time.sleep(600)
        return result


class LostStore(_Faulty):
    """Forgets a variable, but only in programs that catch an error: something to hunt for."""

    def fault(self, result: Any) -> Any:
        self.env.pop("e", None)
        return result
