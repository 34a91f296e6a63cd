"""What containers there are to be: apps run on and on, cron jobs when their schedule says so."""

from peewee import BigIntegerField

from models.base import BaseModel, CChar, JsonField


class App(BaseModel):
    """An app. `number` is its app_id, which workers compare; `document` has all that is not an id or a name."""

    name = CChar(max_length=255, unique=True)
    number = BigIntegerField()
    document = JsonField()

    class Meta:
        table_name = "nebula_app"


class CronJob(BaseModel):
    """A cron job. `number` is its cron_job_id; `document` has all that is not an id or a name."""

    name = CChar(max_length=255, unique=True)
    number = BigIntegerField()
    document = JsonField()

    class Meta:
        table_name = "nebula_cron_job"
