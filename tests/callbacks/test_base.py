"""Callbacks see the run, may stop it, and hear of its end."""

from heat import SHORT, heat
from sapts_pinn import solve
from sapts_pinn.callbacks import Callback


def test_a_callback_may_stop_the_run_and_hears_of_its_end():
    class Third(Callback):
        heard = ""

        def on_step(self, trainer):
            if trainer.iteration == 3:
                trainer.stop("three is enough")

        def on_end(self, trainer):
            self.heard = trainer.status

    callback = Third()
    assert solve(heat(), budget="50 iterations", callbacks=[callback], **SHORT).result["iterations"] == 3
    assert callback.heard == "three is enough"
