"""Mistakes: a type checker finds one in every line that says which, and no other."""

from paycools_async import GetBalance, GetPayoutStatement, PayCoolsGlobal, PayCoolsPH
from paycools_async.global_api import GetCountryBalance


async def use(paycools: PayCoolsPH) -> None:
    await paycools.payouts.query(mchOrderId="A1")  # wrong name
    await paycools.payouts.query(mch_order_id=1)  # wrong type
    await paycools.payouts.query()  # missing
    await paycools.payouts.query("A1")  # by position
    (await paycools.send(GetBalance())).transaction_id  # no such field
    await paycools.send("GetBalance")  # no request
    GetBalance().appId  # no such field
    for request in [GetBalance()]:
        request.__endpoint__.id = ""  # frozen


async def mixed(paycools: PayCoolsPH, countries: PayCoolsGlobal) -> None:
    await paycools.send(GetCountryBalance(country_code="PH"))  # the other API
    await countries.send(GetBalance())  # the other API
    await countries.unified.payouts.query(mch_order_id="A1")  # no country


async def values(paycools: PayCoolsPH, countries: PayCoolsGlobal) -> None:
    await countries.account.balance(country_code="SG")  # no country of PayCools
    await paycools.account.balance(timeout="5")  # a call has no options of its own
    await paycools.send(GetBalance(), timeout="5")  # wrong type
    paycools.with_options(timeout=5, retries=1)  # no such option
    GetPayoutStatement(status="DONE")  # no such status


async def options() -> None:
    PayCoolsPH.from_env(timeoutt=3)  # no such option
    PayCoolsPH.from_env(timeout="3")  # wrong type
    PayCoolsPH.from_env(timestamp_unit="s")  # the other API's option
    PayCoolsGlobal.from_env(timestamp_unit="h")  # no such unit
