# Prints every single-line mutant of the given C sources as FILE<tab>LINE<tab>NEW TEXT. Lines with a
# comment or a string are left out: what changes there is text; and crash points, which are not in
# the program that is shipped.
FNR == 1 { in_comment = 0 }
/^[ \t]*\/\*/ { in_comment = 1 }
{
    line = $0
    skipped = in_comment || line ~ /["'#]|\/\*|\*\/|\/\/|^[a-z].*[^;]$|^[ \t]+(static|const|struct|enum) |_Static_assert|crash_point\(/
    if (line ~ /\*\//)
        in_comment = 0
    if (skipped)
        next
    swap(" == ", " != "); swap(" != ", " == ")
    swap(" < ", " <= "); swap(" <= ", " < "); swap(" > ", " >= "); swap(" >= ", " > ")
    swap(" && ", " || "); swap(" || ", " && ")
    swap(" + ", " - "); swap(" - ", " + "); swap(" += ", " -= "); swap(" -= ", " += ")
    swap("return true;", "return false;"); swap("return false;", "return true;")
    swap(" = true;", " = false;"); swap(" = false;", " = true;")
    swap(" = 0;", " = 1;"); swap("++;", "--;"); swap("if (!", "if (")
    swap("continue;", ";"); swap("break;", ";")
    if (line ~ /^ +[a-z_]+\(.*\);$/) { # a call for its effect is dropped
        gsub(/^ +/, "", line)
        mutant("; /* " line " */")
    }
}

function swap(from, to, at)
{
    at = index(line, from)
    if (at)
        mutant(substr(line, 1, at - 1) to substr(line, at + length(from)))
}

function mutant(text)
{
    print FILENAME "\t" FNR "\t" text
}
