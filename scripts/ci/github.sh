#!/usr/bin/env bash
# What the action does on GitHub. One argument: validate, plan, offline, apply, or drift.
#
# Reads PROFORMA_DIR (default `.`), PROFORMA_ALLOW (effects with consent), PROFORMA_PLAN (the file of
# the saved plan), PROFORMA_COMMENT (`true`: the plan becomes a comment), PROFORMA_PR (its number),
# and what GitHub sets for every step. Needs `proforma`, `gh` and `git`.
#
# Invariants: nothing from a manifest, a branch name or an answer is ever a part of a command line;
# the exit code is that of proforma, save for 2 of a plan (changes are news, not a failure).
set -euo pipefail

command=${1:?one of validate, plan, offline, apply, drift}
dir=${PROFORMA_DIR:-.}
plan_file=${PROFORMA_PLAN:-quotes.plan}
summary=${GITHUB_STEP_SUMMARY:-/dev/null}
page=$(mktemp)
trap 'rm -f "$page"' EXIT

# Runs proforma and keeps its exit code; stdout goes to $page.
code=0
run() { code=0; proforma -C "$dir" "$@" >"$page" || code=$?; }

# One comment a pull request: the one with our marker is renewed. The marker is the page's first line.
comment() {
    [ "${PROFORMA_COMMENT:-true}" = true ] && [ -n "${PROFORMA_PR:-}" ] || return 0
    local marker ids id
    marker=$(head -n 1 "$page")
    case $marker in '<!-- proforma:'*) ;; *) echo 'the page has no marker' >&2; return 1 ;; esac
    # The marker is handed over as data; somebody else's comment that starts like ours is left alone.
    ids=$(MARKER=$marker gh api --paginate "repos/$GITHUB_REPOSITORY/issues/$PROFORMA_PR/comments" \
        --jq '.[] | select(.user.type == "Bot" and (.body | startswith($ENV.MARKER))) | .id')
    id=${ids%%$'\n'*}
    if [ -n "$id" ]; then
        gh api --silent -X PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" -F "body=@$page"
    else
        gh api --silent -X POST "repos/$GITHUB_REPOSITORY/issues/$PROFORMA_PR/comments" -F "body=@$page"
    fi
}

# What was recorded goes back into git, whatever became of the run: the lockfile is right after every outcome.
keep_lockfile() {
    [ -e "$dir/proforma.lock" ] || return 0
    git -C "$dir" config user.name proforma
    git -C "$dir" config user.email proforma@users.noreply.github.com
    # Two branches that touch different quotes are joined without anybody's help.
    git -C "$dir" config merge.proforma.driver 'proforma lock merge %O %A %B'
    git -C "$dir" add -- proforma.lock
    git -C "$dir" diff --cached --quiet && return 0
    git -C "$dir" commit --quiet -m 'quotes: recorded [skip ci]'
    for _ in 1 2 3 4 5; do
        git -C "$dir" push --quiet && return 0
        git -C "$dir" pull --quiet --rebase || return 1
    done
    return 1
}

# The issue that tells of drift, opened once and closed when it is over.
drift_issue() {
    local title='Quotes differ from what was applied' number
    number=$(gh issue list --state open --search "in:title \"$title\"" --json number --jq '.[0].number // empty')
    if [ "$code" -eq 0 ]; then
        if [ -n "$number" ]; then gh issue close "$number" --comment 'Everything is as it was applied again.'; fi
    elif [ -n "$number" ]; then
        gh issue edit "$number" --body-file "$page"
    else
        gh issue create --title "$title" --body-file "$page"
    fi
}

case $command in
    validate)
        run validate --format github
        cat "$page"
        ;;
    plan)
        run plan --format markdown --out "$plan_file"
        cat "$page" >>"$summary"
        comment
        if [ "$code" -eq 2 ]; then code=0; fi
        ;;
    offline)
        # For forks: no secret is there, and nothing can be written on the pull request.
        run plan --offline --format markdown
        cat "$page" >>"$summary"
        ;;
    apply)
        args=(apply "$plan_file" --auto-approve)
        if [ -n "${PROFORMA_ALLOW:-}" ]; then args+=(--allow "$PROFORMA_ALLOW"); fi
        run "${args[@]}"
        { echo '```'; cat "$page"; echo '```'; } >>"$summary"
        cat "$page"
        keep_lockfile
        ;;
    drift)
        run plan --detailed-exitcode --format markdown
        cat "$page" >>"$summary"
        case $code in 0 | 2 | 5 | 12) drift_issue; code=0 ;; esac
        ;;
    *)
        echo "there is no command '$command'" >&2
        exit 64
        ;;
esac
if [ -n "${GITHUB_OUTPUT:-}" ]; then echo "exit-code=$code" >>"$GITHUB_OUTPUT"; fi
exit "$code"
