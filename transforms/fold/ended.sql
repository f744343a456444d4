-- The history of a changed key is written anew from its whole log, so nothing of the old stays.
delete from core.{history}
where exists (select 1 from changed_{entity} as changed where {changed_is_history})
