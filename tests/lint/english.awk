# Words that the text of this repository does not use, with the plain word to use. Input: sources,
# scripts and documents. A finding is FILE:LINE: the word; what to write.
BEGIN {
    rule("(is|are|was|were) no [a-z]+", "is not a ...", "there (is|are|was|were) no | no (longer|more) ")
    rule("stands?", "is, is in, means", "preis") # a heading in German; rule("stood", "was, was in")
    rule("lies", "is, is in")
    rule("told", "reported, given, known"); rule("tells?", "reports, prints, shows, determines, distinguishes")
    rule("anew", "again"); rule("once more", "again")
    rule("mend(s|ed)?", "fix"); rule("judge[sd]?|judging", "check, decide")
    rule("of today", "current"); rule("(keep|bear) in mind", "remember")
    rule("behind", "after in time and text; behind only in space", "behind a proxy|green")
    rule("beside", "next to")
    rule("in vain", "without effect"); rule("what became of|what becomes of", "what happened to")
    rule("the books", "row counts"); rule("thereof|hereby|therein", "say it with a verb")
    rule("Who wants", "To ...")
    rule("all the same", "anyway"); rule("spares", "saves"); rule("laid over", "applied over")
    rule("(an?|one) [a-z]+ a (line|row|request|record|job)|one a line", "... per line",
        "one (is|with) a |one point a job")
    rule("can have (been|had|done|made|sent|left|lost|landed|changed)", "may have")
    rule("(read|checked) to (its|their) end", "completely"); rule("came? to (its|their) end", "finished")
    rule("drop(ped)? (it )?in again", "put into the inbox again"); rule("exclude each other", "cannot be used together")
    rule("heed(s|ed)?", "obey, follow"); rule("teach(es)?|taught", "rowferry learns ... from it")
}

# rule(WORDS, ADVICE, SPARED): a regular expression of whole words in lower case; a line that matches
# SPARED is not checked for them.
function rule(words, advice, spared)
{
    count++
    pattern[count] = "(^|[^a-zA-Z0-9_])(" words ")($|[^a-zA-Z0-9_])"
    instead[count] = advice
    spare[count] = spared
}

{
    line = tolower($0)
    for (i = 1; i <= count; i++)
        if (match(line, tolower(pattern[i])) && !(spare[i] != "" && line ~ spare[i])) {
            word = substr(line, RSTART, RLENGTH)
            gsub(/^[^a-z]+|[^a-z]+$/, "", word)
            print FILENAME ":" FNR ": \"" word "\" is not used here; write: " instead[i]
            failed = 1
        }
}

END { exit failed }
