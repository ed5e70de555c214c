"""Jobs run once, run again when their runner dies, and are given up with the reason kept."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.db import Database
from app.core.errors import Invalid
from app.core.outbox import Job, JobContext, enqueue_job
from app.core.slices import get_slices
from app.jobs import leases, queries
from app.jobs.periodic import PeriodicScheduler
from app.jobs.runner import JobsRunner
from tests.jobs.conftest import until

MINUTE = timedelta(seconds=60)


def context(database: Database) -> JobContext:
    return JobContext(settings=None, blobs=None, database=database)


def queue(database: Database, kind: str, payload: dict | None = None, **options) -> None:
    with database.unit_of_work() as session:
        enqueue_job(session, kind, payload or {}, **options)


def jobs(database: Database) -> list[Job]:
    with database.unit_of_work() as session:
        return list(session.scalars(select(Job).order_by(Job.id)))


def test_a_job_is_done_once_and_marked_in_the_same_transaction(jobs_database):
    def note(session, payload, ctx):
        enqueue_job(session, "after", {"of": ctx.job_id})

    queue(jobs_database, "note")
    runner = JobsRunner(context(jobs_database), {"note": note, "after": lambda *_: None})

    assert runner.run_one() and runner.run_one()
    assert not runner.run_one()
    first, second = jobs(jobs_database)
    assert first.finished_at and second.finished_at
    assert second.payload == {"of": first.id}


def test_a_failing_job_leaves_nothing_behind_and_waits_longer_each_time(jobs_database):
    def fail(session, payload, ctx):
        enqueue_job(session, "never", {})
        raise Invalid("The printer of %(name)s is on fire.", name="Amal")

    queue(jobs_database, "fail")
    runner = JobsRunner(context(jobs_database), {"fail": fail})
    pauses = []
    later = timedelta(0)
    for _ in range(leases.MAX_JOB_ATTEMPTS):
        with clock.shift_clock(later):
            before = clock.now()
            assert runner.run_one()
            [job] = jobs(jobs_database)
            pauses.append(job.run_at - before)
            later += leases.MAX_RETRY_PAUSE
    assert pauses[:4] == pytest.approx(
        [timedelta(seconds=s) for s in (2, 8, 32, 128)], abs=timedelta(seconds=1)
    )
    assert job.failed and job.finished_at
    assert "The printer of %(name)s is on fire." in job.last_error
    assert "Amal" not in job.last_error, "facts may be clinical, so they are not kept"
    with jobs_database.unit_of_work() as session:
        assert [one.id for one in queries.list_failed_jobs(session)] == [job.id]


def test_a_kind_that_nobody_handles_says_so(jobs_database):
    queue(jobs_database, "mystery")
    JobsRunner(context(jobs_database), {}).run_one()
    assert jobs(jobs_database)[0].last_error == "No slice handles jobs of the kind 'mystery'."


def test_what_a_runner_did_after_losing_its_lease_is_not_kept(jobs_database):
    def dawdle(session, payload, ctx):
        with clock.shift_clock(2 * MINUTE):
            assert leases.lease_next_job(jobs_database, "another", MINUTE)
        enqueue_job(session, "twice", {})

    queue(jobs_database, "dawdle")
    JobsRunner(context(jobs_database), {"dawdle": dawdle}, lease=MINUTE).run_one()
    [job] = jobs(jobs_database)
    assert job.leased_by == "another" and job.finished_at is None


def test_a_job_that_kills_every_runner_is_given_up(jobs_database):
    queue(jobs_database, "poison")
    later = timedelta(0)
    for _ in range(leases.MAX_JOB_ATTEMPTS + 1):
        with clock.shift_clock(later):
            leases.lease_next_job(jobs_database, "doomed", MINUTE)
        later += 2 * MINUTE
    [job] = jobs(jobs_database)
    assert job.failed and job.last_error == leases.RUNNER_DIED_MESSAGE


def test_two_runners_never_have_one_job_at_the_same_time(jobs_database):
    """Six workers of two runners, forty jobs: each is run exactly once."""
    ran: Counter[str] = Counter()
    lock = threading.Lock()

    def count(session, payload, ctx):
        time.sleep(0.005)
        with lock:
            ran[ctx.job_id] += 1

    for _ in range(40):
        queue(jobs_database, "count")
    runners = [
        JobsRunner(context(jobs_database), {"count": count}, workers=3, poll=0.01) for _ in range(2)
    ]
    for runner in runners:
        runner.start()
    until(lambda: all(job.finished_at for job in jobs(jobs_database)), within=30)
    for runner in runners:
        runner.stop()
    assert all(runner.join(5) for runner in runners)
    assert len(ran) == 40 and set(ran.values()) == {1}
    assert {job.attempts for job in jobs(jobs_database)} == {1}


def test_a_long_job_keeps_its_lease(jobs_database):
    ran = []

    def long(session, payload, ctx):
        ran.append(ctx.job_id)
        time.sleep(3.5)

    queue(jobs_database, "long")
    lease = timedelta(seconds=1.5)
    runners = [
        JobsRunner(context(jobs_database), {"long": long}, lease=lease, poll=0.02) for _ in range(2)
    ]
    for runner in runners:
        runner.start()
    until(lambda: jobs(jobs_database)[0].finished_at)
    for runner in runners:
        runner.stop()
        assert runner.join(5)
    assert len(ran) == 1


@pytest.mark.late
def test_a_job_whose_runner_is_killed_runs_again(jobs_database, start_runner, tmp_path: Path):
    victim = start_runner(lease=1.0)
    queue(jobs_database, "slow", {"name": "scan", "seconds": 2.0})
    until(lambda: list(tmp_path.glob(f"scan.{victim.pid}.began")))
    victim.kill()
    victim.wait()
    assert not (tmp_path / "scan.done").exists()

    heir = start_runner(lease=1.0)
    until(lambda: (tmp_path / "scan.done").exists())
    until(lambda: jobs(jobs_database)[0].finished_at)
    assert (tmp_path / "scan.done").read_text().split() == [str(heir.pid)]
    assert jobs(jobs_database)[0].attempts == 2


@pytest.mark.late
def test_a_runner_told_to_end_finishes_its_job_first(jobs_database, start_runner, tmp_path: Path):
    runner = start_runner(lease=5.0)
    queue(jobs_database, "slow", {"name": "pdf", "seconds": 1.0})
    queue(jobs_database, "slow", {"name": "other", "seconds": 1.0}, delay=timedelta(seconds=0.3))
    until(lambda: list(tmp_path.glob("pdf.*.began")))
    until(lambda: runner_is_known(jobs_database))
    runner.send_signal(signal.SIGTERM)
    assert runner.wait(timeout=8) == 0
    assert (tmp_path / "pdf.done").exists()
    with jobs_database.unit_of_work() as session:
        assert not queries.is_any_runner_alive(session), "an orderly end is known at once"


def runner_is_known(database: Database) -> bool:
    with database.unit_of_work() as session:
        return queries.is_any_runner_alive(session)


def test_a_silent_runner_is_not_alive(jobs_database):
    runner = JobsRunner(context(jobs_database), {})
    runner._show_alive()
    assert runner_is_known(jobs_database)
    with clock.shift_clock(queries.RUNNER_SILENCE_TIMEOUT + timedelta(seconds=1)):
        assert not runner_is_known(jobs_database)


def test_a_job_starts_within_half_a_second(jobs_database):
    """The quickest of five, for the machine that runs the tests may be busy."""
    started: list[float] = []
    runner = JobsRunner(
        context(jobs_database), {"now": lambda *_: started.append(time.monotonic())}
    )
    runner.start()
    waits = []
    for number in range(5):
        time.sleep(0.3)
        queue(jobs_database, "now")
        asked = time.monotonic()
        until(lambda number=number: len(started) > number)
        waits.append(started[number] - asked)
    runner.stop()
    assert runner.join(5)
    assert min(waits) < 0.5


def test_what_is_periodic_is_queued_once_a_period_by_however_many_runners(jobs_database):
    clockworks = [PeriodicScheduler([("chime", timedelta(minutes=5))]) for _ in range(3)]
    at = clock.now().replace(minute=1, second=0, microsecond=0)
    for minute in range(11):
        with clock.freeze_clock(at + minute * MINUTE):
            for clockwork in clockworks:
                clockwork.tick(jobs_database)
    assert len(jobs(jobs_database)) == 3  # the periods of minutes 0, 5 and 10


def test_the_runner_gets_its_kinds_from_the_slices():
    slices = get_slices()
    assert {"jobs.sweep", "inspect_record", "notify"} <= set(slices.job_handlers)
    assert {"jobs.sweep", "expire_uploads"} <= {kind for kind, _ in slices.periodic_jobs}
