"""Words that say little of what a text is about: English, German, French, Spanish, Italian, Portuguese."""

STOP_WORDS = """
    a an and are as at be by for from had has have he her his i in is it its me my not of on or our
    she so that the their they this to was we were what when where which who will with you your s t
    aber als am auch auf aus bei bin das dem den der des die ein eine einen einer er es fur ich ihr
    im ist mit nicht noch oder sich sie sind und von vor war wie wir zu zum zur au aux avec ce ces
    cette dans de du elle en est et il je la le les leur lui mais ne nous ou par pas pour qu que qui
    sa se ses son sont sur un une vous l d c n j m al como con del el ella ellos esta este ha las lo
    los mas muy no nos para pero por si sin su sus te tu una uno y ya che di e gli ho il io ma mi
    non per piu sono ti tra un uno ao com da do dos ela ele em eu isso na nas no nos o os para pela
    pelo por se sem um uma
""".split()  # noqa: SIM905 - a hundred quotation marks would hide them
