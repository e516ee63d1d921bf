"""Common English words of four letters, for prompts that no tokenizer is at hand for."""

_TEXT = """
    able also area army aunt away baby back ball band bank base bath bear beat bell belt best bird blue boat
    body bone book born boss both bowl burn bush busy cake call calm camp card care case cash cell chip city
    club coal coat code cold come cook cool copy core corn cost crew crop cure dark data date days dead deal
    dear deep desk diet dish disk door down draw drop drug dust duty each earn easy edge else even ever face
    fact fair fall farm fast fear feel feet file fill film find fine fire firm fish five flat flow food foot
    form four free from fuel full fund gain game gate gift girl give glad goal gold golf good gray grew grow
    hair half hall hand hang hard harm head hear heat held help here hero high hill hold hole home hope host
    hour huge hunt hurt idea inch into iron item jack jean join joke jump jury just keen keep kept kick kind
    king knee knew know lack lady lake lamp land lane last late lead leaf lean left lend lens less life lift
    like line link list live load loan lock logo long look lord lose loss lost loud love luck lung mail main
    make male mall many mark mass meal mean meat meet menu mile milk mind mine miss mode mood moon more most
    move much name near neck need news next nine none nose note okay once only open over pace pack page paid
    pain pair palm park part past path peak pick pile pink pipe plan play plot plus poem pole pool poor port
    post pull pure push race rail rain rank rare rate read real rest rice rich ride ring rise risk road rock
    role roll roof room root rope rose rule rush safe sail sale salt same sand save seat seed seem self sell
    send ship shoe shop shot show shut sick side sign silk sing sink site size skin slow snow soft soil sold
    sole some song soon sort soul spot star stay step stop such suit sure swim tail take talk tall tank tape
    task team tell tend term test text than that them then they thin this thus tide till time tiny tone tool
    tour town tree trip true tube tune turn twin type unit upon used user vary vast very vice view vote wage
    wait wake walk wall want warm warn wash wave ways weak wear week well were west what when whom wide wife
    wild wind wine wing wire wise wish with wood word wore work yard year your zero zone
"""

COMMON_WORDS = tuple(_TEXT.split())
